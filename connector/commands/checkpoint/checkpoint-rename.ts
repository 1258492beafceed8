import * as z from 'zod'
import { describedState } from '../../checkpoint/described-state.ts'
import { controlParts } from '../../compose/compose-control.ts'
import { namedStream } from '../../compose/compose-rename.ts'
import { readControl } from '../../control/control-document.ts'
import { openRequests } from '../../control/requests.ts'
import { renameCheckpoint } from '../../stream/rewrite/rename-checkpoint.ts'
import { type Command, configOption, jsonOption, optionText, printOutput } from '../command.ts'
import { asOperator, type CommandResources, invalidRequest, selectedStreams } from '../command-resources.ts'
import { requestCheck } from '../control/control-request.ts'
import { stateOutput, stateShape } from './checkpoint-output.ts'
import { mustBeConfirmed, opened, yesOption } from './rewrite-stream.ts'

/** What `checkpoint rename` prints. */
export const renameShape = z.strictObject({
  from: z.string().describe('The old name'),
  to: z.string().describe('The new name'),
  source: z.string().describe('The `source` of its events, which stays'),
  epoch: z.int().describe('The epoch that the command wrote'),
  after: stateShape.describe('The state with which the stream continues'),
})

export const checkpointRename: Command = {
  name: 'checkpoint rename',
  summary: 'let a stream continue under another name',
  usage:
    'For a stream whose name in the configuration has changed. The configuration has the new name, the\n' +
    'same topic, and the old name as its event.source. Opens the stream under its old name like a\n' +
    'replica, which fences a running one, and copies its checkpoint and client index to the new\n' +
    'name: event numbers and the source of events stay, and nothing is published again. The old\n' +
    'checkpoint then holds every replica that still has the old name (checkpoint.moved). If the command\n' +
    'fails halfway, repeat it.',
  options: {
    ...configOption,
    from: { type: 'string', value: 'name', description: 'the old name' },
    to: { type: 'string', value: 'name', description: 'the new name, a stream of the configuration' },
    ...yesOption,
    ...jsonOption,
  },
  positional: ['from', 'to'],
  examples: ['checkpoint rename lyon lyon-centre --config connector.yaml --yes'],
  run: (args, parts) =>
    asOperator(args, parts, async (resources) => {
      const [from, to] = [optionText(args, 'from'), optionText(args, 'to')]
      if (from === undefined || to === undefined) throw invalidRequest('the old and the new name are required')
      if (resources.config.streams.some(({ name }) => name === from))
        throw invalidRequest(`stream ${from} is still in the configuration: give it its new name there first`)
      const [stream] = selectedStreams({ stream: to }, resources.config.streams)
      mustBeConfirmed(args, { stream: { ...stream, name: from } }, `be renamed to ${to}`)
      await mustHaveNoRequests(resources, from, parts.stop)
      const chosen = { ...resources, stream }
      const { shared, closing } = resources
      const named = (name: string) => namedStream({ ...stream, name }, shared, closing)
      const renaming = renameCheckpoint({ from: named(from), to: named(to) }, parts.stop)
      const { claim, committed, eventSource } = await opened(renaming, parts, chosen)
      await requestCheck(chosen, parts)
      const { epoch } = claim
      const json: z.output<typeof renameShape> = {
        from,
        to,
        source: eventSource,
        epoch,
        after: stateOutput(committed.state),
      }
      const state = describedState(committed.state, stream.poll.timeZone)
      printOutput(args, parts, {
        json,
        lines: () => [`${from} is ${to} now: epoch ${epoch}, ${state}`, `source of its events: ${eventSource}`],
      })
      return 0
    }),
}

/** Nobody would carry them out under the old name. */
async function mustHaveNoRequests({ shared }: CommandResources, name: string, stop: AbortSignal): Promise<void> {
  const open = openRequests(await readControl(controlParts(shared).object, stop), name)
  if (open.length === 0) return
  throw invalidRequest(
    `stream ${name} has open requests (${open.map(({ kind }) => kind).join(', ')}): wait until they are carried out, or cancel them`,
  )
}
