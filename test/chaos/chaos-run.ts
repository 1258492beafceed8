import { setTimeout as delay } from 'node:timers/promises'
import { plantedMarks } from '../polaris/polaris-simulator.ts'
import { type TopicLog, topicLog } from '../support/topic-log.ts'
import { type ChaosRecord, chaosRecord } from './chaos-record.ts'
import { type ChaosScene, chaosScene, topicOf } from './chaos-scene.ts'
import { problemsOf, type StreamEvidence } from './checker.ts'
import { injectFault } from './fault-injection.ts'
import { faultPlan, lanes, nominalMs, type PlannedFault } from './fault-plan.ts'
import { untilCarriedOut } from './operator-actions.ts'
import { heal, untilHealthy } from './recovery.ts'

export interface ChaosOptions {
  readonly seed: number
  /** How long faults are injected. */
  readonly lengthMs: number
  /** Gets one line per fault. */
  readonly print?: (line: string) => void
}

export interface ChaosResult {
  /** Empty when every check passed. */
  readonly problems: readonly string[]
  /** Seed, faults by kind, figures. */
  readonly summary: string
  /** Contains seed, plan, faults and logs; kept when there are problems. */
  readonly folder: string
}

const CHANGE_EVERY_MS = 100
/** Faults that would end this long after the planned end are skipped, so that a slow machine does not prolong the run. */
const LATE_MS = 5_000
/** Limit for the start, and for the recovery after the last fault. */
const HEALTHY_WITHIN_MS = 90_000

/** One run: injects the faults that the seed plans, heals everything, then compares the topics with the source. */
export async function chaosRun(options: ChaosOptions): Promise<ChaosResult> {
  const { seed, lengthMs, print = () => {} } = options
  const plan = faultPlan(seed, lengthMs)
  const record = chaosRecord({ seed, lengthMs, plan, print })
  const scene = await chaosScene()
  try {
    const log = topicLog({ bootstrap: scene.kafka.bootstrap, topics: scene.streams.map(topicOf) })
    const problems = await runPlan({ scene, log, record, plan, lengthMs })
    const evidence = evidenceOf(scene, log)
    problems.push(...evidence.flatMap(problemsOf), ...logProblems(scene), ...record.faultProblems())
    return { ...record.end({ evidence, problems, outputs: outputsOf(scene) }), problems }
  } finally {
    await scene.close()
  }
}

interface Run {
  readonly scene: ChaosScene
  readonly log: TopicLog
  readonly record: ChaosRecord
  readonly plan: readonly PlannedFault[]
  readonly lengthMs: number
}

/** Runs from the start until every replica has stopped; returns the problems found on the way. */
async function runPlan({ scene, log, record, plan, lengthMs }: Run): Promise<string[]> {
  const problems: string[] = []
  const addProblem = (error: Error) => void problems.push(error.message)
  const started = await untilHealthy(scene, log, HEALTHY_WITHIN_MS).catch(addProblem)
  if (started === undefined) return problems
  record.milestone('started', started)
  const stopChanging = scene.simulator.changeEvery(CHANGE_EVERY_MS)
  record.begin()
  const injectAll = async (faults: readonly PlannedFault[]) => {
    for (const planned of faults) {
      await delay(Math.max(1, planned.atMs - record.elapsedMs()))
      const isLate = record.elapsedMs() + nominalMs(planned.fault) > lengthMs + LATE_MS
      if (isLate && !planned.isFirst) return
      await record.fault(planned, injectFault(scene, planned.fault)).catch(addProblem)
    }
  }
  await Promise.all(lanes.map((lane) => injectAll(plan.filter((planned) => planned.lane === lane))))
  await heal(scene)
  await delay(2_000) // some changes without faults
  stopChanging()
  await untilCarriedOut(scene, HEALTHY_WITHIN_MS).catch(addProblem)
  // The topic must have the last version of every client, whatever was erased or deleted.
  for (const id of scene.simulator.clientIds) scene.simulator.change(id)
  await untilHealthy(scene, log, HEALTHY_WITHIN_MS).then((tookMs) => record.milestone('recovered', tookMs), addProblem)
  for (const replica of scene.replicas) {
    const stopped = replica.process().isRunning() ? replica.process().stop() : Promise.resolve('before SIGTERM')
    const exitCode = await stopped.catch((error: Error) => error.message)
    if (exitCode !== 0) problems.push(`${replica.name} exited: ${exitCode}`)
  }
  await log.readOn()
  return problems
}

function evidenceOf({ streams, simulator, checkpoints, wereAbsent }: ChaosScene, log: TopicLog): StreamEvidence[] {
  return streams.map((stream) => ({
    stream,
    changes: simulator.changes,
    wereAbsent,
    logs: log.partitions.filter(({ topic }) => topic === topicOf(stream)),
    checkpoints: checkpoints.filter(({ key }) => key.includes(`/${stream}.`)),
  }))
}

const outputsOf = ({ replicas }: ChaosScene) =>
  replicas.map((replica) => ({ name: replica.name, output: replica.outputs().join('\n') }))

/** Checks the logs: no stream gave up, and no personal data appears. */
function logProblems(scene: ChaosScene): string[] {
  return outputsOf(scene).flatMap(({ name, output }) => [
    ...output
      .split('\n')
      .flatMap((line) => (/"msg":"stream (held|failed, giving up)/.test(line) ? [`${name}: ${line}`] : [])),
    ...(plantedMarks.some((mark) => output.includes(mark)) ? [`${name}: personal data in the log`] : []),
  ])
}
