import { type Command, configOption } from '../command.ts'
import { streamOption, withStream } from '../command-resources.ts'
import { reasonIn, reasonOption, sendRequest } from './control-request.ts'
import { namedClient } from './wanted-clients.ts'

export const erase: Command = {
  name: 'erase',
  summary: 'delete a client from the topic, for example on request of the person',
  usage:
    'Delete the client in Polaris first: a client that changes there is published again.\n' +
    'Stores a request beside the checkpoints. The replica that runs the stream carries it out within\n' +
    'ten seconds: it publishes a tombstone for the client id, so that compaction deletes its events,\n' +
    'and marks the client in the client index and in STREAM.erasures.json. No scan publishes the client\n' +
    'again unless its content changes, nor do checkpoint reset and checkpoint rebuild-index. The\n' +
    'request holds the client id until it is carried out; the log line about it does not.\n' +
    'Rejects an id that the client index does not have: check it. With --force, publishes a tombstone\n' +
    'anyway, for a client that the backfill has not reached.\n' +
    'Does not touch the dead-letter topic or copies that subscribers keep: see docs/erasure.md.\n' +
    'Waits until the request is carried out, at most 20 seconds. Fences no replica.',
  options: {
    ...configOption,
    ...streamOption,
    client: {
      type: 'string',
      value: 'id',
      description: 'the client id, as in the key of its events; - reads it from standard input',
    },
    force: { type: 'boolean', description: 'also if the client index has no such client' },
    ...reasonOption,
  },
  positional: ['stream'],
  examples: ['erase lyon --config connector.yaml --client - --reason request-2026-17'],
  run: async (args, parts) => {
    const request = {
      kind: 'erase',
      client: await namedClient(args, parts),
      reason: reasonIn(args),
      force: args.force === true,
    } as const
    return await withStream(args, parts, ({ stream, shared }) =>
      sendRequest(
        { ...request, stream: stream.name },
        { done: doneText, notAsAsked: notErasedText },
        { ...parts, shared },
      ),
    )
  },
}

function doneText(by: string, outcome: string | undefined): string {
  return outcome === 'never-published'
    ? `has no client with this id; a tombstone was published ${by}`
    : `has erased the client: a tombstone was published ${by}`
}

function notErasedText(outcome: string | undefined): string | undefined {
  if (outcome === 'unknown') return 'has no client with this id, nothing was published: check --client, or add --force'
  return outcome === 'cancelled' ? 'has erased nothing: the request was cancelled' : undefined
}
