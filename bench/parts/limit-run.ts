import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Figures } from './figures.ts'

/** The only argument of `walk.ts`, as JSON. */
export interface WalkOrder {
  readonly url: string
  readonly output: 'xml' | 'json'
  readonly limit: number
  readonly clients: number
}
/** The only argument of `publish.ts`, as JSON. */
export interface PublishOrder {
  readonly brokers: string
  /** The topic whose records are sent again. */
  readonly topic: string
  readonly clients: number
  readonly recordsPerTransaction: number
  /** `kafkajs`: the plain library. `publisher`: the connector's publisher. */
  readonly by: 'kafkajs' | 'publisher'
}

/** Runs `walk.ts` or `publish.ts` in a separate process, which prints its figures as JSON. */
export async function runLimit(program: 'walk' | 'publish', order: WalkOrder | PublishOrder): Promise<Figures> {
  const script = new URL(`../${program}.ts`, import.meta.url).pathname
  const args = ['--no-warnings', script, JSON.stringify(order)]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  return JSON.parse(stdout)
}
