import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, inject, it } from 'vitest'
import { assertSameAsSource, hasLastOfAll } from '../support/same-as-source.ts'
import { plantedMarks, startPolarisSimulator } from '../support/servers/polaris-simulator.ts'
import { readTopic, readTopicUntil } from '../support/topic-reader.ts'

const script = fileURLToPath(new URL('../../scripts/demo.ts', import.meta.url))
const EVENT = /^\d\d:\d\d:\d\d {2}client \d+ .*partition \d+ offset \d+/m

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'demo-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

interface Demo {
  /** Everything it has written. */
  output(): string
  /** Waits until the output matches; rejects with it when the demo ends before. */
  until(pattern: RegExp): Promise<void>
  /** Waits for the end. */
  exitCode(): Promise<number | null>
  /** What Ctrl-C does; resolves to how long the end took, in milliseconds. */
  interrupt(): Promise<number>
}

function startDemo(environment: Record<string, string> = {}): Demo {
  const { KAFKA_BROKERS: _, ...inherited } = process.env
  const child = spawn(process.execPath, [script], { env: { ...inherited, DEMO_FOLDER: folder, ...environment } })
  let output = ''
  const hear = (bytes: Buffer) => {
    output += bytes
    child.emit('output')
  }
  child.stdout.on('data', hear)
  child.stderr.on('data', hear)
  const ended = once(child, 'exit')
  return {
    output: () => output,
    until: async (pattern) => {
      while (!pattern.test(output)) {
        const [code] = await Promise.race([once(child, 'output'), ended])
        if (code !== undefined && !pattern.test(output)) throw new Error(`the demo ended with ${code}:\n${output}`)
      }
    },
    exitCode: async () => ((await ended) as [number | null])[0],
    interrupt: async () => {
      const at = performance.now()
      child.kill('SIGINT')
      await ended
      return performance.now() - at
    },
  }
}

it('shows the first drain and then each event, stops within 5 s, and resumes at the checkpoint when run again', async () => {
  const startedAt = performance.now()
  const first = startDemo()
  await first.until(/first drain .* of 5 000 clients/)
  await first.until(/[1-9][\d ]* of 5 000 clients/)
  expect(performance.now() - startedAt).toBeLessThan(20_000)
  await first.until(EVENT)
  expect(first.output()).toMatch(/none yet: the stream begins at lastChanged 2000-01-01T00:00:00/)
  expect(first.output()).toMatch(/clients [\d ]+.* · events [\d ]+ · pages \d+ · \d+\.\d events\/s/)
  expect(await first.interrupt()).toBeLessThan(5000)
  expect(await first.exitCode()).toBe(0)

  const second = startDemo()
  await second.until(/resuming after transaction \d+ \(5 \d\d\d events until then\), from lastChanged 20\d\d-/)
  await second.until(EVENT)
  expect(second.output()).not.toMatch(/first drain/)
  expect(await second.interrupt()).toBeLessThan(5000)
})

it('shows ids and times only of a server that is given, and starts nothing that is given', async () => {
  const simulator = await startPolarisSimulator({ clients: 250 })
  const topic = `demo-${randomUUID()}`
  try {
    const demo = startDemo({
      KAFKA_BROKERS: inject('kafkaBrokers'),
      KAFKA_TOPIC: topic,
      CONNECTOR_ID: topic,
      POLARIS_URL: simulator.url,
      POLARIS_CODE_MAGASIN: '1',
      POLARIS_LAST_CHANGED: '2000-01-01',
    })
    await demo.until(/caught up: 250 events/)
    for (let changed = 0; changed < 20; changed += 1) simulator.change()
    await demo.until(EVENT)
    await readTopicUntil(inject('kafkaBrokers'), topic, {
      ...{ withinMs: 30_000, follows: true },
      isEnough: (records) => hasLastOfAll(simulator.changes, records),
    })
    expect(await demo.interrupt()).toBeLessThan(5000)
    expect(demo.output()).toContain('(yours)')
    expect(demo.output()).not.toContain('simulator')
    for (const mark of plantedMarks) expect(demo.output()).not.toContain(mark)
    const records = await readTopic(inject('kafkaBrokers'), topic)
    assertSameAsSource(simulator.changes, records)
  } finally {
    await simulator.close()
  }
})

it('tells why the connector ended by itself', async () => {
  const demo = startDemo({ KAFKA_BROKERS: inject('kafkaBrokers'), DELIVERY: 'perhaps' })
  expect(await demo.exitCode()).toBe(1)
  expect(demo.output()).toMatch(/DELIVERY[\s\S]*the connector ended by itself/)
})
