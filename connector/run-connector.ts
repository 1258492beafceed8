import { composeStream, type Surroundings, serviceReopening } from './compose.ts'
import { composePlacement } from './compose-placement.ts'
import { contestDefaults } from './pipeline/keep-stream.ts'
import type { Observe } from './pipeline/pipeline-event.ts'
import { runAssigned } from './pipeline/run-assigned.ts'
import { runStream, type StreamEnd } from './pipeline/run-stream.ts'
import type { Placement } from './placement/placement.ts'
import { closeStack } from './runtime/close-stack.ts'
import { codeOf } from './runtime/connector-error.ts'
import type { Telemetry } from './telemetry/telemetry.ts'

/**
 * Runs the streams that are placed on this replica until `stop`; a stream that failed leaves the others alone. Resolves to the last end of
 * each stream that was run: before `stop` only where nothing is left to do, which no operator could change.
 */
export async function runConnector(
  around: Surroundings,
  told: Telemetry,
  stop: AbortSignal,
): Promise<ReadonlyMap<string, StreamEnd>> {
  const { config, clock } = around
  const observers = new Map(
    config.streams.map(({ name, poll }) => [name, told.observe(name, { pollIntervalMs: poll.intervalMs })]),
  )
  const placement = composePlacement(around, told.observePlacement)
  const ends = await runAssigned(
    {
      placement,
      start: (name, stopRun, giveUp) => runPlaced(name, { around, placement, observers, giveUp }, stopRun),
      finishWithinMs: config.finishWithinMs,
      contest: contestDefaults,
      clock,
      observe: told.observePlacement,
    },
    stop,
  )
  if ([...ends.values()].some(({ kind }) => kind === 'failed')) await untilAborted(stop)
  return ends
}

interface Run {
  readonly around: Surroundings
  readonly placement: Placement
  readonly observers: ReadonlyMap<string, Observe>
  readonly giveUp: AbortSignal
}

/** One run of a stream on adapters of its own, which are closed with it. Never rejects. */
async function runPlaced(name: string, run: Run, stop: AbortSignal): Promise<StreamEnd> {
  const { around, placement, observers, giveUp } = run
  const observe: Observe = (event) => observers.get(name)?.(event)
  try {
    const stream = around.config.streams.find((found) => found.name === name)
    if (stream === undefined) throw new TypeError('placement tells of a stream that is not configured')
    await using closing = closeStack()
    const composed = composeStream(stream, around, {
      until: 'stopped',
      reopening: serviceReopening,
      isAssigned: () => placement.isAssigned(name),
      giveUp,
      observe,
    })
    closing.use(composed, (opened) => opened.closing.close())
    return await runStream(composed, stop)
  } catch (error) {
    observe({ kind: 'stream-stopped', code: codeOf(error), error })
    return { kind: 'failed', error }
  }
}

function untilAborted(stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (stop.aborted) resolve()
    else stop.addEventListener('abort', () => resolve(), { once: true })
  })
}
