import { randomUUID } from 'node:crypto'
import { controlParts } from '../../compose/compose-control.ts'
import type { ControlDocument, ControlRequest } from '../../control/control-document.ts'
import { type ControlParts, readControl, updateControl } from '../../control/control-document.ts'
import { lastOf, type NewRequest, requested } from '../../control/requests.ts'
import type { ChosenStream } from '../chosen-stream.ts'
import type { CommandParts } from '../command.ts'

/** How long a command waits until a replica has carried out its request. */
const WAIT_MS = 20_000
const RECHECK_MS = 500

interface Words {
  /** Said once a replica has carried out the request; `by` names it, with the time. Throws if the request is refused. */
  readonly done: (by: string, outcome: Done['outcome']) => string
  /** Said if there is nothing to do. */
  readonly already?: string
}

/**
 * Stores a request and waits until a replica has carried it out. Resolves to the exit code: 0, or 3 if none has yet.
 * Nothing is fenced.
 */
export async function sendRequest(
  wanted: NewRequest,
  words: Words,
  { shared, print, stop }: Pick<ChosenStream, 'shared'> & Pick<CommandParts, 'print' | 'stop'>,
): Promise<number> {
  const { clock, replica: by } = shared
  const parts = controlParts(shared)
  const { stream } = wanted
  const id = randomUUID()
  const stored = await updateControl(
    parts,
    (document) => requested(document, wanted, { id, by, at: clock.now() }),
    stop,
  )
  const own = withId(stored, id)
  const request = own ?? lastOf(stored, stream)
  if (request === undefined || (own === undefined && request.progress.kind === 'done')) {
    print(`stream ${stream} ${words.already}`)
    return 0
  }
  print(`requested: a replica that runs stream ${stream} carries it out within seconds`)
  const done = await untilDone(request, { parts, clock }, stop).catch((error) => {
    if (!stop.aborted) throw error
  })
  if (done === undefined) {
    print('stored, but no replica has carried it out yet: see `polaris-connector requests` and `replicas`')
    return 3
  }
  print(`stream ${stream} ${words.done(`by ${done.by} at ${new Date(done.at).toISOString()}`, done.outcome)}`)
  return 0
}

const withId = ({ requests }: ControlDocument, id: string) => requests.find((request) => request.id === id)

type Done = Extract<ControlRequest['progress'], { kind: 'done' }>

/** Undefined: not done in time, or replaced by another request. Rejects as reading does, or with the reason of `stop`. */
export async function untilDone(
  { id }: Pick<ControlRequest, 'id'>,
  { parts, clock }: { parts: ControlParts; clock: ChosenStream['shared']['clock'] },
  stop: AbortSignal,
): Promise<Done | undefined> {
  const giveUpAt = clock.monotonic() + WAIT_MS
  for (;;) {
    const request = withId(await readControl(parts.object, stop), id)
    if (request?.progress.kind === 'done') return request.progress
    if (request === undefined || clock.monotonic() >= giveUpAt) return undefined
    await clock.sleep(RECHECK_MS, stop)
  }
}
