import { execFileSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { LOW_MEMORY_FLAGS } from './parts/plan.ts'

/**
 * Measures what loading the connector takes, in MB of resident memory: Node alone, Node with its modules that the
 * connector uses, each package beside them, and all that `run` loads. Each in processes of its own, the least of three.
 * `npm run build && node bench/start-up.ts`
 */

const nodeModules = ['node:http', 'node:https', 'node:zlib', 'node:worker_threads', 'node:child_process']
const packages = ['@aws-sdk/client-s3', 'zod', 'kafkajs', 'yaml', 'prom-client', 'saxes', 'pino']
/** Loaded in parts, or when they are needed. */
const saved = ['undici', 'tough-cookie', 'fast-xml-parser']

function megabytesWith(modules: readonly string[]): number {
  const loads = modules.map((name) => `await import(${JSON.stringify(name)})`)
  const program = [...loads, 'console.log(process.memoryUsage().rss / 1e6)'].join('\n')
  const args = [...LOW_MEMORY_FLAGS.split(' '), '--input-type=module', '--eval', program]
  const measured = Array.from({ length: 3 }, () => Number(execFileSync(process.execPath, args, { encoding: 'utf8' })))
  return Math.min(...measured)
}

const [run] = globSync('dist/run-*.js')
if (run === undefined) throw new Error('the connector is not built; run `npm run build`')
const base = megabytesWith(nodeModules)
const row = (name: string, megabytes: number) => console.log(`| ${name} | ${megabytes.toFixed(0)} |`)
row('Node', megabytesWith([]))
row('Node with its modules', base)
for (const name of [...packages, ...saved]) row(`+ \`${name}\``, megabytesWith([...nodeModules, name]) - base)
row('all that `run` loads', megabytesWith([`./${run}`]))
