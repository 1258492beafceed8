import { expect, test } from 'vitest'
import { parseDocument } from '../../../../connector/checkpoint/checkpoint-document.ts'
import { streamIndex } from '../../../../connector/index/stream-index.ts'
import { codeOf } from '../../../../connector/runtime/connector-error.ts'
import { checkpointKey } from '../../../../connector/storage/checkpoint-store-config.ts'
import { openStream } from '../../../../connector/stream/open/open-stream.ts'
import { renameCheckpoint } from '../../../../connector/stream/rewrite/rename-checkpoint.ts'
import { never } from '../../../support/signals.ts'
import { change } from '../../checkpoint/documents.ts'
import { connector, KEY, stage, stream } from '../open/open-parts.ts'

const NEW = 'renamed'
const NEW_KEY = checkpointKey(connector, NEW)

/** A stream that has published events, and its parts under another name. */
async function published() {
  const on = stage()
  const { checkpoint, producer } = await openStream(on.open, never)
  const record = await checkpoint.prepare(change, never)
  await using transaction = producer.begin(never)
  await transaction.send([])
  await transaction.commit(record)
  checkpoint.decided()
  const operator = { ...on.open, owner: 'operator' }
  const to = {
    ...operator,
    object: on.store.object(NEW_KEY),
    index: streamIndex(on.store.segments(NEW_KEY), Number.POSITIVE_INFINITY),
    publisher: on.kafka.publisher({ connector, stream: NEW, replica: 'operator' }),
    identity: { ...on.open.identity, stream: NEW },
  }
  const renaming = { from: operator, to }
  return { ...on, renaming, to, rename: () => renameCheckpoint(renaming, never) }
}
type Published = Awaited<ReturnType<typeof published>>

const stored = ({ store }: Pick<Published, 'store'>, key: string) => parseDocument(store.stored(key)?.text ?? '')
const rejection = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: Error) => `${codeOf(error)} ${error.message}`,
  )

test('moves the valid state with its events and source to the new name, and holds the old one', async () => {
  const on = await published()
  const document = await on.rename()
  expect(document).toEqual(stored(on, NEW_KEY))
  expect(document).toMatchObject({
    ...{ stream: NEW, eventSource: `/polaris/${connector}/${stream}`, movedTo: null, claim: { epoch: 3 } },
    committed: { hasRecord: false, state: { events: change.events, index: { delta: change.entries } } },
  })
  expect(await rejection(openStream(on.open, never))).toBe(
    'checkpoint.moved open stream: the stream was renamed to renamed',
  )
  const { checkpoint } = await openStream(on.to, never)
  expect(checkpoint.state().events).toBe(change.events)
})

test('copies the segments of the client index', async () => {
  const on = await published()
  const bytes = Uint8Array.from([1, 2, 3])
  await on.store.segments(KEY).put('1-a', bytes, never)
  const document = stored(on, KEY)
  const { state } = document.committed
  const segments = [{ name: '1-a', tier: 'base', entries: 1, sha256: 'x' }] as const
  const index = { ...state.index, segments }
  on.store.tamper(
    KEY,
    JSON.stringify({ ...document, committed: { ...document.committed, state: { ...state, index } } }),
  )
  await on.rename()
  expect(await on.store.segments(NEW_KEY).get('1-a', never)).toEqual(bytes)
})

test('continues when it was interrupted before the new document was written, and is refused when it was done', async () => {
  const on = await published()
  const { to } = on.renaming
  const object = { ...to.object, write: () => Promise.reject(new Error('interrupted')) }
  const broken = { ...on.renaming, to: { ...to, object } }
  await expect(renameCheckpoint(broken, never)).rejects.toThrow('interrupted')
  expect(stored(on, KEY)).toMatchObject({ movedTo: NEW })
  expect(await on.rename()).toMatchObject({ stream: NEW, committed: { state: { events: change.events } } })
  expect(await rejection(on.rename())).toBe('command.invalid stream renamed already has a checkpoint: use another name')
})

test('can be undone: the epoch is above those that the name had before', async () => {
  const on = await published()
  await on.rename()
  await openStream(on.to, never)
  const { from, to } = on.renaming
  const back = await renameCheckpoint({ from: to, to: from }, never)
  expect(back).toMatchObject({ stream, movedTo: null, claim: { epoch: 6 } })
  expect((await openStream(on.open, never)).checkpoint.state().events).toBe(change.events)
})

test('changes nothing when the configuration gives the events another source', async () => {
  const on = await published()
  const before = on.store.stored(KEY)
  const { from, to } = on.renaming
  const identity = { ...from.identity, eventSource: '/polaris/shop/renamed' }
  const renaming = renameCheckpoint({ from: { ...from, identity }, to }, never)
  expect(await rejection(renaming)).toContain(`set event.source: ${stream} in the renamed stream`)
  expect(on.store.stored(KEY)).toEqual(before)
})
