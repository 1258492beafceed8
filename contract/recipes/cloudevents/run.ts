import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual, promisify } from 'node:util'

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const readers = {
  JavaScript: [process.execPath, file('read.js')],
  Python: [file('../../../.cache/recipe-cloudevents/bin/python3'), file('read.py')],
  Java: ['java', '-cp', file('../../../.cache/recipe-cloudevents-jars/*'), file('Read.java')],
} as const

interface Case {
  readonly record: { readonly key: string; readonly headers: Readonly<Record<string, string>>; readonly value: string }
  readonly event: Readonly<Record<string, unknown>>
}

const example = (name: string) => JSON.parse(readFileSync(file(`../../v1/examples/${name}.json`), 'utf8'))
const clientEvents = ['client-modified', 'client-republished', 'client-minimised', 'client-typed']

/** The golden examples in both modes: both are the same event. */
function cases(): Case[] {
  return clientEvents.flatMap((name) => {
    const event = example(name)
    const { subject: key, type, source } = event
    const headers = { 'content-type': 'application/cloudevents+json', ce_type: type, ce_source: source }
    const binary = example(`${name}-binary`)
    return [
      { record: { key, headers, value: JSON.stringify(event) }, event },
      { record: { key, headers: binary.headers, value: JSON.stringify(binary.value) }, event },
    ]
  })
}

const folder = mkdtempSync(join(tmpdir(), 'cloudevents-'))
try {
  const all = cases()
  const records = join(folder, 'records')
  writeFileSync(records, all.map(({ record }) => `${JSON.stringify(record)}\n`).join(''))
  for (const [language, [command, ...args]] of Object.entries(readers)) {
    const { stdout } = await promisify(execFile)(command, [...args, records])
    const found = stdout.trim().split('\n')
    const wrong = all.findIndex(({ event }, at) => !isSame(JSON.parse(found[at] ?? '{}'), event))
    if (wrong >= 0) throw new Error(`${language} reads record ${wrong} as ${found[wrong]}`)
    console.log(`cloudevents: ${language} reads the same ${all.length / 2} events in both modes`)
  }
} catch (error) {
  console.error(`cloudevents: ${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true })
}

/** The SDKs for Java and Python print times in other forms. */
function isSame(found: Readonly<Record<string, unknown>>, event: Case['event']): boolean {
  const time = (text: unknown) => new Date(String(text)).getTime()
  return isDeepStrictEqual({ ...found, time: time(found.time) }, { ...event, time: time(event.time) })
}
