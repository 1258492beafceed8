import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Figures } from './figures.ts'

/** What a limit is told, as its only argument in JSON. */
export interface WalkOrder {
  readonly url: string
  readonly output: 'xml' | 'json'
  readonly limit: number
  readonly clients: number
}
export interface PublishOrder {
  readonly brokers: string
  /** The topic whose records are sent again. */
  readonly topic: string
  readonly clients: number
  readonly recordsPerTransaction: number
  /** `kafkajs`: the library as it is. `publisher`: the connector's own part for Kafka. */
  readonly by: 'kafkajs' | 'publisher'
}

/** Runs one of the programs beside `bench.ts` in a process of its own; it prints its figures. */
export async function runLimit(program: 'walk' | 'publish', order: WalkOrder | PublishOrder): Promise<Figures> {
  const script = new URL(`../${program}.ts`, import.meta.url).pathname
  const args = ['--no-warnings', script, JSON.stringify(order)]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  return JSON.parse(stdout)
}
