import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { systemClock } from '../../../connector/runtime/clock.ts'
import { fileStore } from '../../../connector/storage/file-store.ts'
import { closingAfterEach } from '../../support/closing.ts'
import { fileStoreProcess, killed, outputOf } from '../../support/file-store-process.ts'
import { never } from '../../support/signals.ts'

// Writers in processes of their own are suspended and killed while others write.

const closing = closingAfterEach()
const parts = { clock: systemClock, onRetry: () => undefined }

function open() {
  const directory = closing.use(mkdtempSync(join(tmpdir(), 'checkpoints-')), (path) => {
    chmodSync(path, 0o700)
    rmSync(path, { recursive: true })
  })
  const store = fileStore(directory, parts)
  return { directory, store, object: store.object('connector/stream.json'), place: join(directory, 'connector') }
}

const file = (number: number) => `stream.${String(number).padStart(20, '0')}.json`

async function writeMany({ object }: Pick<ReturnType<typeof open>, 'object'>, count: number) {
  let version = (await object.read(never))?.version ?? null
  for (let written = 0; written < count; written += 1) {
    const outcome = await object.write(`text ${written}`, version, never)
    if (outcome.kind !== 'written') throw new Error('unexpected conflict')
    version = outcome.version
  }
  return version
}

test('stores each version in a separate file, and keeps the last ten', async () => {
  const opened = open()
  await writeMany(opened, 1)
  expect(readdirSync(opened.place)).toEqual([file(1)])
  await writeMany(opened, 12)
  expect(readdirSync(opened.place)).toEqual(Array.from({ length: 10 }, (_, at) => file(at + 4)))
})

test('keeps documents, segments and directories from other users, whatever the umask', async () => {
  const before = process.umask(0)
  closing.use(before, (mask) => void process.umask(mask))
  const opened = open()
  await writeMany(opened, 1)
  await opened.store.segments('connector/stream.json').put('1-a', Buffer.from('x'), never)
  const modeOf = (path: string) => statSync(path).mode & 0o777
  const segments = join(opened.place, 'stream.index')
  expect([opened.place, segments].map(modeOf)).toEqual([0o700, 0o700])
  expect([join(opened.place, file(1)), join(segments, '1-a')].map(modeOf)).toEqual([0o600, 0o600])
})

test('neither reads nor removes other files in the directory', async () => {
  const opened = open()
  mkdirSync(opened.place)
  const others = [
    'stream.json',
    'stream.999.json',
    'stream-2.00000000000000000009.json',
    'stream.00000000000000000009.json.bak',
  ]
  for (const name of others) writeFileSync(join(opened.place, name), 'other')
  expect(await opened.object.read(never)).toBeUndefined()
  await writeMany(opened, 12)
  expect(readdirSync(opened.place)).toEqual(expect.arrayContaining(others))
})

test('never reads a temporary file left by a crash', async () => {
  const opened = open()
  await writeMany(opened, 1)
  writeFileSync(join(opened.place, '.stream.crashed-1.tmp'), '{"half')
  expect((await opened.object.read(never))?.text).toBe('text 0')
})

test('reports a conflict to a writer that was suspended while its number was used and deleted', async () => {
  const opened = open()
  await writeMany(opened, 1)
  const stale = (await opened.object.read(never))?.version ?? null
  const suspended = await suspendedBeforeLinking(opened.directory, stale)
  await writeMany(opened, 20)
  await suspended.resume()
  expect(await suspended.outcome).toBe('conflict')
  expect((await opened.object.read(never))?.text).toBe('text 19')
})

test('the probe deletes temporary files of killed writers once they are an hour old, and nothing else', async () => {
  const { place, store, directory, object } = open()
  await object.write('text', null, never)
  await store.segments('connector/stream.json').put('1-a', Buffer.from('x'), never)
  const id = '0b0e7e0c-6a55-4c1e-8a39-2f6d3c3b7a10'
  const abandoned = [`.stream.00000000000000000002.json.${id}.tmp`, `stream.index/.1-b.${id}.tmp`, `../.probe-${id}`]
  for (const name of [...abandoned, '.stream.tmp', `stream.${id}.tmp`, '.hidden', `.1-c.${id}.tmp`])
    writeFileSync(join(place, name), 'half')
  const old = systemClock.now() / 1000 - 3_700
  const files = () => readdirSync(directory, { recursive: true }).map(String).toSorted()
  for (const name of files().filter((one) => !one.endsWith(`.1-c.${id}.tmp`)))
    utimesSync(join(directory, name), old, old)
  const expected = files().filter((name) => !abandoned.some((one) => join(place, one) === join(directory, name)))
  await store.probe(never)
  expect(files()).toEqual(expected)
})

/** A write that waits when it names its temporary file: after the listing and before the link. */
async function suspendedBeforeLinking(directory: string, expected: Awaited<ReturnType<typeof writeMany>>) {
  const child = writer(directory, {
    setUp: `
      import crypto from 'node:crypto'
      import { syncBuiltinESMExports } from 'node:module'
      const { randomUUID } = crypto
      crypto.randomUUID = () => { fs.writeSync(1, 'reached\\n'); fs.readSync(0, Buffer.alloc(1)); return randomUUID() }
      syncBuiltinESMExports()`,
    run: `
      const outcome = await store.object('connector/stream.json').write('stale', ${JSON.stringify(expected)}, never)
      fs.writeSync(1, outcome.kind)`,
  })
  const reached = new Promise<void>((resolve) => outputOf(child).once('data', () => resolve()))
  const outcome = new Promise<string>((resolve) => {
    outputOf(child).on('data', (chunk) => {
      if (String(chunk) !== 'reached\n') resolve(String(chunk))
    })
  })
  await reached
  return { outcome, resume: async () => void child.stdin?.end('\n') }
}

test('has a complete newest version when a writer is killed at any time', async () => {
  const { directory, object } = open()
  const filler = 'x'.repeat(200_000)
  const run = `
    const object = store.object('connector/stream.json')
    for (let count = 0; ; count += 1) {
      const now = await object.read(never)
      const text = JSON.stringify({ by: process.pid, count, filler: 'x'.repeat(200_000) })
      const outcome = await object.write(text, now?.version ?? null, never)
      fs.writeSync(1, outcome.kind + '\\n')
    }`
  for (let round = 1; round <= 3; round += 1) {
    const child = writer(directory, { run })
    let writes = 0
    const enough = new Promise<void>((resolve) => {
      outputOf(child).on('data', () => {
        writes += 1
        if (writes >= round * 3) resolve()
      })
    })
    await enough
    await killed(child)
    expect(JSON.parse((await object.read(never))?.text ?? '').filler).toBe(filler)
  }
})

function writer(...script: Parameters<typeof fileStoreProcess>) {
  return closing.use(fileStoreProcess(...script), killed)
}

test('rejects when a version file cannot be read, with its path and the reason', async () => {
  const { object, place } = open()
  mkdirSync(join(place, file(1)), { recursive: true })
  await expect(object.read(never)).rejects.toMatchObject({
    code: 'storage.refused',
    message: `read file ${join(place, 'stream.json')}: EISDIR: a directory exists where a file is needed`,
  })
})
