#!/usr/bin/env -S node --max-semi-space-size=16 --heap-growing-percent=30 --no-parallel-scavenge
import { readFileSync } from 'node:fs'
import { runCli } from './cli.ts'
import { commandList } from './commands/command-list.ts'
import { defectLine } from './defect.ts'
import { stopOnSignals } from './runtime/shutdown.ts'

const readFile = (name: string | URL) => readFileSync(name, 'utf8')
const complain = (line: string) => process.stderr.write(`${line}\n`)

function leaveOnDefect(error: unknown): void {
  complain(`polaris-connector: ${defectLine(error)}`)
  process.exit(1)
}

process.on('uncaughtException', leaveOnDefect)
process.on('unhandledRejection', leaveOnDefect)
// Whoever read the output has gone (`| head`); the work goes on.
for (const output of [process.stdout, process.stderr]) output.on('error', () => {})

/** Everything is closed by now; kafkajs may still be trying again, for seconds, on connections that were cut. */
function leave(code: number): void {
  process.exitCode = code
  process.stdout.write('', () => process.exit())
}

const { version } = JSON.parse(readFile(new URL('../package.json', import.meta.url))) as { version: string }
const shutdown = stopOnSignals(process, (code) => process.exit(code))
try {
  const code = await runCli(process.argv.slice(2), commandList, {
    environment: process.env,
    readFile,
    print: (line) => process.stdout.write(`${line}\n`),
    complain,
    stop: shutdown.stop,
    version,
  })
  leave(code)
} catch (error) {
  leaveOnDefect(error)
} finally {
  shutdown[Symbol.dispose]()
}
