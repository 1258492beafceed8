import type { StreamConfig } from '../config/connector-config.ts'
import { type CheckRequests, checkRequests } from '../control/check-requests.ts'
import type { ControlWatch } from '../control/control-watch.ts'
import { watchedRequests } from '../control/watched-requests.ts'
import { checkStream } from '../inspect/check-stream.ts'
import type { Observe } from '../pipeline/pipeline-event.ts'
import type { Placement } from '../placement/placement.ts'
import { linkedAbort } from '../runtime/abort.ts'
import { closeStack } from '../runtime/close-stack.ts'
import { codeOf } from '../runtime/connector-error.ts'
import type { Holding } from '../stream/hold-stream.ts'
import { settlePending } from '../stream/open/settle-pending.ts'
import { runUnlessPaused } from '../stream/pausable-stream.ts'
import type { StreamParts } from '../stream/run-stream.ts'
import { runStream, type StreamEnd } from '../stream/run-stream.ts'
import { contentionDefaults } from '../stream/supervise-stream.ts'
import { superviseStreams } from '../stream/supervisor.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import { composeControl } from './compose-control.ts'
import { composePlacement } from './compose-placement.ts'
import { openSource } from './compose-source.ts'
import { composeStream, openParts, serviceReopening } from './compose-stream.ts'
import type { SharedResources } from './shared-resources.ts'

/**
 * Runs the streams assigned to this replica until `stop`, or until other processes have taken them all
 * (`PLACEMENT=single`). A held stream does not affect the others. Resolves to the last end of each stream that ran.
 */
export async function runConnector(
  shared: SharedResources,
  telemetry: Telemetry,
  stop: AbortSignal,
): Promise<ReadonlyMap<string, StreamEnd>> {
  const { config, clock } = shared
  const observers = new Map(config.streams.map(({ name, poll }) => [name, telemetry.observe(name, poll)]))
  const placement = composePlacement(shared, telemetry.observePlacement)
  const control = composeControl(shared, telemetry.observeControl)
  using watching = linkedAbort(stop)
  const watchEnds = control.run(watching.signal)
  const ends = await superviseStreams(
    {
      placement,
      start: (name, stopRun) => runPausable(name, { shared, placement, observers, control }, stopRun),
      finishWithinMs: config.finishWithinMs,
      contention: contentionDefaults,
      clock,
      observe: telemetry.observePlacement,
    },
    stop,
  )
  watching.abort()
  await watchEnds
  return ends
}

interface StreamRun {
  readonly shared: SharedResources
  readonly placement: Placement
  readonly observers: ReadonlyMap<string, Observe>
  readonly control: ControlWatch
}

interface RunParts extends StreamRun {
  readonly giveUp: AbortSignal
  readonly checks: CheckRequests
}

/** Runs a stream until `stop` aborts or another process owns it, except while it is paused. Never rejects. */
function runPausable(name: string, run: StreamRun, stop: AbortSignal): Promise<StreamEnd> {
  const { clock, config } = run.shared
  const { control } = run
  const observe: Observe = (event) => run.observers.get(name)?.(event)
  return runUnlessPaused(
    {
      ...{ stream: name, control, clock, observe, finishWithinMs: config.finishWithinMs },
      run: (stopRun, giveUp) => runAssigned(name, { ...run, giveUp }, stopRun),
      settle: (stopSettling) => settlePaused(name, run, stopSettling),
    },
    stop,
  )
}

/** What a paused stream's opening reports; its other events say that the stream runs. */
const settlingEvents = ['transactions-repaired', 'taken-over', 'checkpoint-saved']

async function settlePaused(
  name: string,
  { shared, placement, observers, control }: StreamRun,
  stop: AbortSignal,
): Promise<void> {
  await using closing = closeStack()
  const observe: Observe = (event) => {
    if (settlingEvents.includes(event.kind)) observers.get(name)?.(event)
  }
  const assignment = () => placement.assignmentOf(name)
  const mode = { assignment, observe, closing, seenControl: watchedRequests(control, name).seen }
  await settlePending(openParts(streamNamed(name, shared), shared, mode), stop)
}

/** Runs a stream until `stop` aborts or another process owns it, and answers requests to check it. Never rejects. */
async function runAssigned(name: string, run: Omit<RunParts, 'checks'>, stop: AbortSignal): Promise<StreamEnd> {
  const checks = checkRequests(run.control, name, run.shared.clock)
  using running = linkedAbort(stop)
  const answering = checks.run(running.signal)
  const end = await runWithAdapters(name, { ...run, checks }, stop)
  running.abort()
  await answering
  return end
}

/** Retries if adapters cannot be created. Never rejects. */
async function runWithAdapters(name: string, run: RunParts, stop: AbortSignal): Promise<StreamEnd> {
  const { observers, checks } = run
  const pauseMs = holdPauses.maxPauseMs
  for (;;) {
    try {
      return await runOnAdapters(name, run, stop)
    } catch (error) {
      if (stop.aborted) return { kind: 'stopped' }
      observers.get(name)?.({ kind: 'stream-held', code: codeOf(error), error, pauseMs })
      using _held = checks.hold()
      await checks.pause(pauseMs, stop).catch(() => {})
      checks.begin()()
    }
  }
}

/** One run of a stream on its own adapters. Rejects if they cannot be created. */
async function runOnAdapters(name: string, run: RunParts, stop: AbortSignal): Promise<StreamEnd> {
  const { shared, placement, observers, control, giveUp, checks } = run
  stop.throwIfAborted()
  const stream = streamNamed(name, shared)
  await using closing = closeStack()
  const composed = composeStream(stream, shared, {
    until: 'stopped',
    reopening: serviceReopening,
    outages: 'wait',
    assignment: () => placement.assignmentOf(name),
    giveUp,
    requests: watchedRequests(control, name),
    observe: (event) => observers.get(name)?.(event),
  })
  closing.use(composed, (opened) => opened.closing.close())
  return await runStream({ ...composed, holding: composeHolding(stream, shared, { ...composed, checks }) }, stop)
}

function streamNamed(name: string, { config }: SharedResources): StreamConfig {
  const stream = config.streams.find((found) => found.name === name)
  if (stream === undefined) throw new TypeError('placement assigned a stream that is not configured')
  return stream
}

/** Pauses between the checks of a held stream. */
const holdPauses = { firstPauseMs: 60_000, maxPauseMs: 15 * 60_000 }

/** How `run` holds a stream. */
function composeHolding(
  stream: StreamConfig,
  { clock, accounts, limitOf, breakerOf }: SharedResources,
  { open, pipeline: { reader, group }, checks }: Pick<StreamParts, 'open' | 'pipeline'> & Pick<RunParts, 'checks'>,
): Holding {
  // A check makes no retries of its own: it is repeated as a whole.
  const polaris = { ...stream.polaris, retry: { ...stream.polaris.retry, retries: 0 } }
  const server = { permits: limitOf(polaris), breaker: breakerOf(polaris) }
  const http = { clock, accounts, ...server, outages: 'give-up' as const, observe: () => {} }
  const parts = { open, reader, group, openSource: () => openSource(polaris, http) }
  return { ...holdPauses, check: (code, stop) => checkStream(parts, code, stop), requests: checks }
}
