import { setTimeout as delay } from 'node:timers/promises'
import { plantedMarks } from '../support/servers/polaris-simulator.ts'
import { heal, untilCalm } from './calm.ts'
import { type ChaosRecord, chaosRecord } from './chaos-record.ts'
import { type ChaosScene, chaosScene, type Delivery, OVERLAP_MS, topicOf } from './chaos-scene.ts'
import { problemsOf, type StreamEvidence } from './checker.ts'
import { injectFault } from './fault-injection.ts'
import { type Cluster, faultPlan, lanes, nominalMs, type PlannedFault, WHOLE } from './fault-plan.ts'
import { type TopicLog, topicLog } from './topic-log.ts'

export interface ChaosOptions {
  readonly seed: number
  /** How long faults go on. */
  readonly lengthMs: number
  /** `exactly-once` unless given: with at least once the checker must find doubled events, which shows that it looks. */
  readonly delivery?: Delivery
  /** Three brokers with three copies unless given. */
  readonly cluster?: Cluster
  /** Hears of each fault. */
  readonly tell?: (line: string) => void
}

export interface ChaosResult {
  /** None: everything held. */
  readonly problems: readonly string[]
  /** Seed, faults by kind, what was told. */
  readonly summary: string
  /** Where seed, plan, faults, logs and events are, kept when there are problems. */
  readonly folder: string
}

const CHANGE_EVERY_MS = 100
/** Nothing more is begun that would end so much too late, so that a slow machine does not make the run longer. */
const LATE_MS = 5_000
/** From the last fault until everything is right again; from the start until everything runs. */
const CALM_WITHIN_MS = 90_000

/** One run: faults as the seed plans them, then calm, then everything is compared with the source. */
export async function chaosRun(options: ChaosOptions): Promise<ChaosResult> {
  const { seed, lengthMs, delivery = 'exactly-once', cluster = WHOLE, tell = () => {} } = options
  const plan = faultPlan(seed, lengthMs, cluster)
  const record = chaosRecord({ seed, lengthMs, plan, tell })
  const scene = await chaosScene({ delivery, cluster })
  try {
    const ports = scene.kafka.bootstrap.split(',').map((address) => Number(address.split(':')[1]))
    const log = topicLog({ ports, topics: scene.streams.map(topicOf) })
    const problems = await whatGoesWrong({ scene, log, record, plan, lengthMs })
    const evidence = evidenceOf(scene, log)
    problems.push(...evidence.flatMap(problemsOf), ...toldAmiss(scene), ...record.faultProblems())
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

/** From the start to the stop of all; what could be seen to go wrong by then. */
async function whatGoesWrong({ scene, log, record, plan, lengthMs }: Run): Promise<string[]> {
  const problems: string[] = []
  const noteProblem = (error: Error) => void problems.push(error.message)
  const started = await untilCalm(scene, log, CALM_WITHIN_MS).catch(noteProblem)
  if (started === undefined) return problems
  record.note('start', started)
  const stopChanging = scene.simulator.changeEvery(CHANGE_EVERY_MS)
  record.begin()
  const goThrough = async (faults: readonly PlannedFault[]) => {
    for (const planned of faults) {
      await delay(Math.max(1, planned.atMs - record.sinceBegin()))
      const isLate = record.sinceBegin() + nominalMs(planned.fault) > lengthMs + LATE_MS
      if (isLate && !planned.isFirst) return
      await record.fault(planned, injectFault(scene, planned.fault)).catch(noteProblem)
    }
  }
  await Promise.all(lanes.map((lane) => goThrough(plan.filter((planned) => planned.lane === lane))))
  await heal(scene)
  await delay(2_000) // changes that meet no fault
  stopChanging()
  await untilCalm(scene, log, CALM_WITHIN_MS).then((tookMs) => record.note('calm', tookMs), noteProblem)
  for (const replica of scene.replicas) {
    const ended = replica.process().isRunning() ? replica.process().stop() : Promise.resolve('by itself')
    const exitCode = await ended.catch((error: Error) => error.message)
    if (exitCode !== 0) problems.push(`${replica.name} ended: ${exitCode}`)
  }
  await log.readOn()
  return problems
}

function evidenceOf({ streams, simulator, checkpoints }: ChaosScene, log: TopicLog): StreamEvidence[] {
  return streams.map((stream) => ({
    ...{ stream, changes: simulator.changes, overlapMs: OVERLAP_MS },
    logs: log.partitions.filter(({ topic }) => topic === topicOf(stream)),
    checkpoints: checkpoints.filter(({ key }) => key.includes(`/${stream}.`)),
  }))
}

const outputsOf = ({ replicas }: ChaosScene) =>
  replicas.map((replica) => ({ name: replica.name, output: replica.outputs().join('\n') }))

/** Faults of the surroundings stop no stream for good, nobody's data is in a log, and clocks were as wrong as planned. */
function toldAmiss(scene: ChaosScene): string[] {
  const clocks = scene.replicas.flatMap(({ name, wrongClocks }) => wrongClocks().map((wrong) => `${name}: ${wrong}`))
  const logs = outputsOf(scene).flatMap(({ name, output }) => [
    ...output.split('\n').flatMap((line) => (line.includes('an operator is needed') ? [`${name}: ${line}`] : [])),
    ...(plantedMarks.some((mark) => output.includes(mark)) ? [`${name}: personal data in its log`] : []),
  ])
  return [...clocks, ...logs]
}
