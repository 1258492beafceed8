import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { systemClock } from '../../../connector/runtime/clock.ts'
import { fileStore } from '../../../connector/storage/file-store.ts'
import { closingAfterEach, temporaryFolder } from '../../support/closing.ts'
import { fileStoreProcess, killed, outputOf } from '../../support/file-store-process.ts'
import { never } from '../../support/signals.ts'

// Writers in processes of their own are killed in the middle of a write.

const closing = closingAfterEach()
const clock = { ...systemClock, random: () => 0 } // no pauses
const bytes = Buffer.from('segment')

function open() {
  const directory = temporaryFolder(closing)
  const store = fileStore(directory, { clock, onRetry: () => undefined })
  const place = join(directory, 'connector', 'stream.index')
  return { directory, place, segments: store.segments('connector/stream.json') }
}

test('stores each segment in a file of a directory beside the document, and nothing else', async () => {
  const { place, segments } = open()
  for (const name of ['1-a', '1-b', '1-b']) await segments.put(name, bytes, never)
  expect(readdirSync(place).sort()).toEqual(['1-a', '1-b'])
})

test('lists no temporary file left by a crash', async () => {
  const { place, segments } = open()
  await segments.put('1-a', bytes, never)
  writeFileSync(join(place, '.1-b.crashed.tmp'), 'half')
  expect(await segments.list(never)).toEqual(['1-a'])
  expect(await segments.get('1-b', never)).toBeUndefined()
})

test('has only complete segments when a writer is killed at any time', async () => {
  const { directory, segments } = open()
  const run = `
    const segments = store.segments('connector/stream.json')
    for (let count = 0; ; count += 1) {
      fs.writeSync(1, 'put\\n')
      await segments.put(process.pid + '-' + count, Buffer.alloc(4_000_000, 7), never)
    }`
  const whole = Buffer.alloc(4_000_000, 7)
  for (let round = 1; round <= 2; round += 1) {
    const child = closing.use(fileStoreProcess(directory, { run }), killed)
    let puts = 0
    await new Promise<void>((resolve) => {
      outputOf(child).on('data', (chunk) => {
        puts += String(chunk).split('\n').length - 1
        if (puts > round) resolve()
      })
    })
    await killed(child)
    const names = await segments.list(never)
    expect(names).toEqual(expect.arrayContaining([`${child.pid}-0`]))
    for (const name of names) expect(whole.equals((await segments.get(name, never)) ?? Buffer.of())).toBe(true)
  }
})
