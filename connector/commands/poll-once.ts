import type * as z from 'zod'
import { controlParts } from '../compose/compose-control.ts'
import { viewReplicas } from '../compose/compose-placement.ts'
import { composeStream, oneShotReopening, withoutPlacement } from '../compose/compose-stream.ts'
import type { StreamConfig } from '../config/connector-config.ts'
import { readControl } from '../control/control-document.ts'
import { pauseOf } from '../control/requests.ts'
import { noStreamRequests } from '../control/stream-requests.ts'
import type { Observe } from '../pipeline/pipeline-event.ts'
import type { GroupView } from '../placement/placement.ts'
import { codeOf } from '../runtime/connector-error.ts'
import { errorCatalogue } from '../runtime/error-catalogue.ts'
import { once } from '../runtime/once.ts'
import { runStream, unattended } from '../stream/run-stream.ts'
import { type Command, configOption, jsonOption, printOutput } from './command.ts'
import { openReplica, type ReplicaResources, selectedStreams, streamOption } from './command-resources.ts'
import { type Poll, pollCounter, pollLines, pollResult, pollShape, unreadPoll } from './output/poll-summary.ts'

export const pollOnce: Command = {
  name: 'poll-once',
  summary: 'read every stream, or one, until it has caught up, then exit',
  usage:
    'Opens each stream and publishes until a live scan has completed, the backfill is done and no\n' +
    'other scan is in progress, and saves the checkpoint. Leaves out a stream that is paused, or that\n' +
    'a replica of the consumer group runs; with PLACEMENT=single, opening a stream fences a running\n' +
    'connector. Serves no endpoints. Logs to standard error.\n' +
    'Prints for each stream whether it has caught up, how many clients were read, published, suppressed\n' +
    'because they are unchanged, or written as dead letters, and how long it took.\n' +
    'If Kafka is unreachable, gives up after about 15 seconds and skips the remaining streams.\n' +
    'Exit code: 0 done or stopped, 1 another process took over a stream, 2 invalid configuration or\n' +
    'request, 3 Polaris, Kafka or S3 is unavailable.',
  options: {
    ...configOption,
    stream: { ...streamOption.stream, description: 'read only this stream' },
    ...jsonOption,
  },
  examples: ['poll-once --config connector.yaml', 'poll-once --config connector.yaml --stream lyon'],
  outputs: { '--json': pollShape },
  run: async (args, parts) => {
    await using replica = openReplica(args, parts, process.stderr)
    const streams = selectedStreams(args, replica.config.streams)
    const polls = await pollStreams(streams, replica, parts.stop)
    const json: z.output<typeof pollShape> = { streams: polls }
    printOutput(args, parts, { json, lines: () => pollLines(polls, parts.screen) })
    return Math.max(...polls.map(({ code }) => (code === null ? 0 : errorCatalogue[code].exit)))
  },
}

/** One after the other, until all have ended or Kafka is unreachable: all streams use the same brokers. */
async function pollStreams(
  streams: readonly StreamConfig[],
  resources: ReplicaResources,
  stop: AbortSignal,
): Promise<Poll[]> {
  const { shared, telemetry } = resources
  const polls: Poll[] = []
  const view = once(() => viewReplicas(shared, stop))
  for (const stream of streams) {
    const isUnreachable = polls.some(({ code }) => code === 'publish.unreachable')
    if (isUnreachable || stop.aborted) {
      polls.push(unreadPoll(stream.name, 'skipped'))
      continue
    }
    const poll = await pollUnlessTaken(stream, { ...resources, view }, stop)
    const { code, ...fields } = poll
    telemetry.log('info', 'poll ended', { ...fields, ...(code === null ? {} : { code }) })
    polls.push(poll)
  }
  return polls
}

interface PollResources extends ReplicaResources {
  readonly view: () => Promise<GroupView | null>
}

/** A stream that is paused, or that a replica runs, is left out. */
async function pollUnlessTaken(stream: StreamConfig, resources: PollResources, stop: AbortSignal): Promise<Poll> {
  const { shared, telemetry, view } = resources
  const startedAt = shared.clock.monotonic()
  const reported = telemetry.observe(stream.name, stream.poll)
  try {
    const control = await readControl(controlParts(shared).object, stop)
    if (pauseOf(control, stream.name) !== undefined) return unreadPoll(stream.name, 'paused')
    const members = (await view())?.members ?? []
    if (members.some(({ streams }) => streams.includes(stream.name))) return unreadPoll(stream.name, 'running')
  } catch (error) {
    if (stop.aborted) return unreadPoll(stream.name, 'skipped')
    reported({ kind: 'stream-failed', code: codeOf(error), error })
    const tookMs = shared.clock.monotonic() - startedAt
    return pollResult(stream.name, { kind: 'failed', error }, { counts: pollCounter().counts(), tookMs })
  }
  return await pollStream(stream, { ...resources, reported }, stop)
}

async function pollStream(
  stream: StreamConfig,
  { shared, reported }: PollResources & { readonly reported: Observe },
  stop: AbortSignal,
): Promise<Poll> {
  const startedAt = shared.clock.monotonic()
  const counter = pollCounter()
  const observe: Observe = (event) => {
    counter.add(event)
    reported(event)
  }
  const compose = (giveUp: AbortSignal) =>
    composeStream(stream, shared, {
      ...withoutPlacement,
      until: 'caught-up',
      outages: 'give-up',
      giveUp,
      requests: noStreamRequests,
      observe,
    })
  const { finishWithinMs } = shared.config
  const how = { ...unattended(stop), compose, reopening: oneShotReopening, finishWithinMs }
  const end = await runStream({ ...how, clock: shared.clock, observe }, stop)
  return pollResult(stream.name, end, { counts: counter.counts(), tookMs: shared.clock.monotonic() - startedAt })
}
