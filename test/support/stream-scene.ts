import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Admin } from 'kafkajs'
import { expect, inject, onTestFailed, onTestFinished } from 'vitest'
import { type PolarisSimulator, type SimulatorOptions, startPolarisSimulator } from '../polaris/polaris-simulator.ts'
import { testKafka } from './committed-records.ts'
import { type ConnectorProcess, lastLines, type ShortTimes, shortTimes, startConnector } from './connector-process.ts'
import { assertSameAsSource, hasLastOfAll } from './same-as-source.ts'
import { readTopic, readTopicUntil, type TopicRecord } from './topic-reader.ts'

/** One stream of the built connector on real servers, and the source that it reads. Closed with the test. */
export interface Scene {
  /** Connector id, topic and part of the checkpoint's key. */
  readonly name: string
  readonly simulator: PolarisSimulator
  /** All settings that `run` needs; tests may add more. */
  readonly environment: Record<string, string>
  /** Starts `run` (or another command); killed when the test ends, if still running. */
  start(more?: Record<string, string>, args?: readonly string[]): ConnectorProcess
  /** The records committed in the topic so far. */
  records(): Promise<TopicRecord[]>
  /** Waits until the topic has the last version of every client; the source must not change meanwhile. */
  caughtUp(withinMs?: number): Promise<TopicRecord[]>
}

/** A command line for `Scene.start`. */
export const untilCaughtUp = ['run', '--until-caught-up']

export interface SceneOptions {
  readonly source?: SimulatorOptions
  readonly environment?: Record<string, string>
  /** Text of a YAML file, for settings that have no variable. */
  readonly yaml?: string
  readonly times?: ShortTimes
  /** Brokers to use instead of the shared ones. */
  readonly brokers?: { readonly connector: string; readonly reader: string }
  /** How to start the connector; by default, as a child process. */
  readonly starting?: typeof startConnector
}

/** Call within a test. */
export async function scene(options: SceneOptions = {}): Promise<Scene> {
  const { source, environment, yaml, times, brokers, starting = startConnector } = options
  const simulator = await startPolarisSimulator({ clients: 200, ...source })
  const name = `e2e-${randomUUID().slice(0, 13)}`
  const reader = brokers?.reader ?? inject('kafkaBrokers')
  const base = {
    ...environmentOf(name, brokers?.connector ?? reader),
    POLARIS_URL: simulator.url,
    ...(times && shortTimes(times)),
    ...environment,
  }
  const processes: ConnectorProcess[] = []
  const config = yaml === undefined ? undefined : configFile(yaml)
  onTestFailed(() => {
    for (const one of processes.slice(-3)) console.error(`--- ${name}\n${lastLines(one.output())}`)
  })
  onTestFinished(async () => {
    await Promise.all(processes.map((one) => one.kill()))
    await simulator.close()
  })
  return {
    name,
    simulator,
    environment: base,
    start: (more, args = ['run']) => {
      const file = config === undefined ? [] : ['--config', config]
      const started = starting([...args, ...file], { ...base, ...more })
      processes.push(started)
      return started
    },
    records: () => readTopic(reader, name),
    caughtUp: (withinMs) => untilPublished({ brokers: reader, topic: name, simulator }, withinMs),
  }
}

/** Waits until the topic has the last version of every client. The topic need not exist yet. */
export async function untilPublished(
  {
    brokers,
    topic,
    simulator,
    atLeast = 0,
  }: { brokers: string; topic: string; simulator: Pick<PolarisSimulator, 'changes'>; atLeast?: number },
  withinMs = 120_000,
): Promise<TopicRecord[]> {
  const isEnough = (records: readonly TopicRecord[]) =>
    records.length >= atLeast && hasLastOfAll(simulator.changes, records)
  return await readTopicUntil(brokers, topic, { withinMs, follows: true, isEnough })
}

/**
 * The settings of a connector on the shared servers, without those of the source. Placement is `single` by default, so
 * that a restarted connector need not wait for the group session of a killed one.
 */
export function environmentOf(name: string, brokers: string): Record<string, string> {
  const { endpoint, region, accessKeyId, secretAccessKey, bucket } = inject('s3')
  return {
    CONNECTOR_ID: name,
    KAFKA_TOPIC: name,
    KAFKA_BROKERS: brokers,
    HTTP_PORT: '0',
    PLACEMENT: 'single',
    POLARIS_CODE_MAGASIN: '1',
    POLARIS_LAST_CHANGED: '2000-01-01',
    POLARIS_LIMIT: '20',
    POLL_INTERVAL: '200ms',
    CHECKPOINT_URL: `s3://${bucket}/e2e`,
    AWS_ENDPOINT_URL_S3: endpoint,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  }
}

/** An administrator of the shared brokers. Call within a test. */
export async function testAdmin(): Promise<Admin> {
  const admin = testKafka(inject('kafkaBrokers')).admin()
  onTestFinished(() => admin.disconnect())
  await admin.connect()
  return admin
}

/** Writes a configuration file that is removed when the test ends. */
export function configFile(yaml: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'e2e-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'connector.yaml')
  writeFileSync(file, yaml)
  return file
}

/** Invariants 2 and 3: every change once and in order. Also checks that `sequence` has no gap. */
export function expectExactlyOnce({ simulator }: Pick<Scene, 'simulator'>, records: readonly TopicRecord[]): void {
  assertSameAsSource(simulator.changes, records)
  expectNumbered(records)
}

/** Checks that `sequence` is 0..n-1, each value once, and increases within each partition. */
function expectNumbered(records: readonly TopicRecord[]): void {
  const numbers = records.map(sequenceOf)
  expect(numbers.toSorted((one, other) => one - other)).toEqual(records.map((_, at) => at))
  const last = new Map<number, number>()
  for (const [at, { partition }] of records.entries()) {
    const number = numbers[at] ?? Number.NaN
    expect(number).toBeGreaterThan(last.get(partition) ?? -1)
    last.set(partition, number)
  }
}

function sequenceOf({ value }: TopicRecord): number {
  return Number((value as { sequence?: string } | undefined)?.sequence)
}
