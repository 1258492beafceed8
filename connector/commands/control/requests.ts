import { controlParts } from '../../compose/compose-control.ts'
import type { SharedResources } from '../../compose/shared-resources.ts'
import { type ControlRequest, readControl, updateControl } from '../../control/control-document.ts'
import { cancelled, isCancellable } from '../../control/requests.ts'
import { type Command, type CommandParts, configOption, jsonOption, optionText, printOutput } from '../command.ts'
import { asOperator, invalidRequest, streamOption } from '../command-resources.ts'
import type { Screen } from '../output/screen.ts'
import { isoTime, table } from '../output/text.ts'
import { progressText, requestsOutput } from './request-output.ts'

export const requests: Command = {
  name: 'requests',
  summary: 'show what operators have requested, and what became of it',
  usage:
    'Reads the control object and prints the requests to pause, resume, check and republish,\n' +
    'the oldest first. Requests that have ended stay listed for a while.\n' +
    'With --cancel, ends a republish: the replica stops it after its current page. What it has\n' +
    'published stays in the topic. Fences no replica.',
  options: {
    ...configOption,
    ...streamOption,
    stream: { ...streamOption.stream, description: 'only those of this stream' },
    cancel: { type: 'string', value: 'id', description: 'cancel this republish' },
    ...jsonOption,
  },
  positional: ['stream'],
  examples: ['requests --config connector.yaml', 'requests --config connector.yaml --cancel ID'],
  run: (args, parts) =>
    asOperator(args, parts, async ({ config, shared }) => {
      const id = optionText(args, 'cancel')
      const { requests: all } =
        id === undefined ? await readControl(controlParts(shared).object, parts.stop) : await cancel(id, shared, parts)
      const stream = optionText(args, 'stream')
      const shown = all.filter(
        (request) => (stream ?? request.stream) === request.stream && (id ?? request.id) === request.id,
      )
      const json = requestsOutput(config.connector, shown)
      printOutput(args, parts, { json, lines: () => requestLines(shown, parts.screen) })
      return 0
    }),
}

/** Rejects with `command.invalid` if there is nothing to cancel. */
async function cancel(id: string, shared: SharedResources, { stop }: Pick<CommandParts, 'stop'>) {
  const { clock, replica: by } = shared
  let isCancelled = false
  const document = await updateControl(
    controlParts(shared),
    (stored) => {
      const next = cancelled(stored, id, { by, at: clock.now() })
      isCancelled = next !== undefined
      return next
    },
    stop,
  )
  const found = document.requests.find((request) => request.id === id)
  if (isCancelled) return document
  if (found === undefined)
    throw invalidRequest('--cancel must be the id of a request: see `polaris-connector requests`')
  throw invalidRequest(
    isCancellable(found.kind)
      ? 'the request has ended already: see `polaris-connector requests`'
      : `only a republish can be cancelled, this is a request to ${found.kind}`,
  )
}

/** The requests as a table for a terminal. */
export function requestLines(all: readonly ControlRequest[], { paint }: Pick<Screen, 'paint'>): string[] {
  if (all.length === 0) return ['no requests']
  const header = ['STREAM', 'REQUEST', 'ID', 'REQUESTED', 'BY', 'PROGRESS'].map((name) => paint('bold', name))
  const rows = all.map((request) => {
    const { stream, kind, id, requestedAt, requestedBy } = request
    return [stream, kind, id, isoTime(requestedAt), requestedBy, progressText(request)]
  })
  return table([header, ...rows])
}
