import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { subscriberPage } from '../../support/documentation/documented-commands.ts'
import { markdownFile } from '../../support/documentation/markdown-file.ts'

// The demo runs as a subscriber sees it, is interrupted, and runs again.

const script = fileURLToPath(new URL('../../../scripts/demo.ts', import.meta.url))
const EVENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ {2}client \d+ .*partition \d+ offset \d+/m

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'demo-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

interface Demo {
  /** The output so far. */
  output(): string
  /** Resolves once the output matches; rejects with the output if the demo exits first. */
  until(pattern: RegExp): Promise<void>
  /** Waits until the demo exits. */
  exitCode(): Promise<number | null>
  /** Sends SIGINT, like Ctrl-C; resolves to the milliseconds until the demo exited. */
  interrupt(): Promise<number>
}

function startDemo(): Demo {
  const child = spawn(process.execPath, [script], { env: { ...process.env, DEMO_FOLDER: folder } })
  let output = ''
  const append = (bytes: Buffer) => {
    output += bytes
    child.emit('output')
  }
  child.stdout.on('data', append)
  child.stderr.on('data', append)
  const ended = once(child, 'exit')
  return {
    output: () => output,
    until: async (pattern) => {
      while (!pattern.test(output)) {
        const [code] = await Promise.race([once(child, 'output'), ended])
        if (code !== undefined && !pattern.test(output)) throw new Error(`the demo exited with ${code}:\n${output}`)
      }
    },
    exitCode: async () => ((await ended) as [number | null])[0],
    interrupt: async () => {
      const startedAt = performance.now()
      child.kill('SIGINT')
      await ended
      return performance.now() - startedAt
    },
  }
}

/** Runs what the page for subscribers says. */
async function runOfSubscriber(): Promise<string> {
  const { blocks } = markdownFile(subscriberPage)
  const script = blocks.filter(({ language }) => language === 'sh').map(({ text }) => text)
  const here = script.join('\n').replaceAll('.cache/demo/', `${folder}/`).replaceAll('.cache/', `${folder}/`)
  return (await promisify(execFile)('bash', ['-ec', here])).stdout
}

test('shows the history and each event, stops soon, and resumes from the checkpoint when it runs again', async () => {
  const startedAt = performance.now()
  const first = startDemo()
  await first.until(/history .* of 5 000 clients|caught up: /)
  await first.until(/[1-9][\d ]* of 5 000 clients|caught up: /) // a fast machine may read all between two lines
  expect(performance.now() - startedAt).toBeLessThan(180_000)
  await first.until(EVENT)
  expect(first.output()).toMatch(/none yet: live scans begin now/)
  const [, endpoint = ''] = /^Endpoints {4}(http:\S+\/) \(status page\), .*\/metrics$/m.exec(first.output()) ?? []
  expect((await fetch(endpoint)).status).toBe(200)
  const [, suggested = ''] = /^Try .*: (\. \S+; node dist\/main\.js \S+)/m.exec(first.output()) ?? []
  expect(execFileSync('sh', ['-c', suggested.replace('doctor', 'checkpoint show')]).toString()).toMatch(
    /^ {2}\S+ +\S+Z +done /m,
  )
  await first.until(/caught up: /)
  expect(await runOfSubscriber()).toMatch(/"type":"client\.modified"/)
  expect(first.output()).toMatch(/clients [\d ]+.* · events [\d ]+ · pages \d+/)
  expect(await first.interrupt()).toBeLessThan(15_000)
  expect(await first.exitCode()).toBe(0)

  const second = startDemo()
  await second.until(/resuming after transaction \d+, with event number 5 \d\d\d/)
  await second.until(EVENT)
  expect(second.output()).not.toMatch(/^history/m)
  expect(await second.interrupt()).toBeLessThan(15_000)
})
