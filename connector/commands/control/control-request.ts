import { randomUUID } from 'node:crypto'
import { controlParts } from '../../compose/compose-control.ts'
import { type ControlDocument, updateControl } from '../../control/control-document.ts'
import { lastOf, type NewRequest, requested } from '../../control/requests.ts'
import { codeOf } from '../../runtime/connector-error.ts'
import type { ExitCode } from '../../runtime/error-catalogue.ts'
import { type CommandArgs, type CommandOption, type CommandParts, optionText } from '../command.ts'
import { type ChosenStream, invalidRequest } from '../command-resources.ts'
import { followRequest } from './followed-request.ts'
import type { DoneProgress } from './request-output.ts'

interface Words {
  /** Said once a replica has carried out the request; `by` names it, with the time. */
  readonly done: (by: string, outcome: DoneProgress['outcome']) => string
  /** Said instead if the request has ended otherwise than asked; undefined: it has not. */
  readonly notAsAsked?: (outcome: DoneProgress['outcome']) => string | undefined
  /** Said if there is nothing to do. */
  readonly already?: string
}

/**
 * Stores a request and waits until a replica has carried it out. Resolves to the exit code: 0, 1 if it
 * ended otherwise than asked, or 3 if none has carried it out yet. Nothing is fenced.
 */
export async function sendRequest(
  wanted: NewRequest,
  words: Words,
  { shared, print, stop }: Pick<ChosenStream, 'shared'> & Pick<CommandParts, 'print' | 'stop'>,
): Promise<ExitCode> {
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
  const followed = await followRequest(request.id, { object: parts.object, clock, stop })
  if (followed.kind !== 'done') {
    print('stored, but no replica has carried it out yet: see `polaris-connector requests`')
    return 3
  }
  const done = followed.progress
  const otherwise = words.notAsAsked?.(done.outcome)
  if (otherwise !== undefined) {
    print(`stream ${stream} ${otherwise}`)
    return 1
  }
  print(`stream ${stream} ${words.done(`by ${done.by} at ${new Date(done.at).toISOString()}`, done.outcome)}`)
  return 0
}

const withId = ({ requests }: ControlDocument, id: string) => requests.find((request) => request.id === id)

export const reasonOption = {
  reason: {
    type: 'string',
    value: 'text',
    description: 'why, up to 200 characters: shown in logs and /status, so no personal data',
  },
} as const satisfies Record<string, CommandOption>

/** Throws `command.invalid`. */
export function reasonIn(args: CommandArgs): string {
  const reason = optionText(args, 'reason')?.trim() ?? ''
  if (/^[^\p{Cc}]{1,200}$/u.test(reason)) return reason
  throw invalidRequest('--reason must be one line of 1 to 200 characters that says why')
}

/**
 * Leaves a request to check the stream, so that a replica that holds it notices a new checkpoint within seconds. Says so
 * if it cannot: the checkpoint is written by then.
 */
export async function requestCheck(
  { stream, shared }: Pick<ChosenStream, 'stream' | 'shared'>,
  { printError, stop }: Pick<CommandParts, 'printError' | 'stop'>,
): Promise<void> {
  const requester = { id: randomUUID(), by: shared.replica, at: shared.clock.now() }
  try {
    const wanted = { kind: 'check', stream: stream.name } as const
    await updateControl(controlParts(shared), (document) => requested(document, wanted, requester), stop)
  } catch (error) {
    printError(`no check could be requested (${codeOf(error)}): a held stream checks again by itself within 15 minutes`)
  }
}
