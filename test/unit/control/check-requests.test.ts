import { expect, test } from 'vitest'
import { checkRequests } from '../../../connector/control/check-requests.ts'
import { readControl, updateControl } from '../../../connector/control/control-document.ts'
import { controlWatch } from '../../../connector/control/control-watch.ts'
import { requested } from '../../../connector/control/requests.ts'
import { memoryStore } from '../../support/fakes/memory-versioned-object.ts'
import { virtualClock } from '../../support/fakes/virtual-clock.ts'
import { never } from '../../support/signals.ts'
import { settled } from '../stream/open/open-parts.ts'

const KEY = 'shop/_control.json'

test('answers a request once, and records the answer again when the control object is rolled back', async () => {
  const clock = virtualClock(1_000_000)
  const store = memoryStore({})
  let nonces = 0
  const parts = { object: store.object(KEY), storeReady: async () => {}, newNonce: () => `nonce-${++nonces}` }
  const watch = controlWatch({
    ...parts,
    clock,
    replica: 'replica-1',
    checkpoints: async () => new Map(),
    observe: () => {},
  })
  const answered: string[] = []
  const carriedOut = (request: { id: string }) => {
    answered.push(request.id)
    watch.carriedOut(request)
  }
  const stop = new AbortController()
  void watch.run(stop.signal)
  void checkRequests({ ...watch, carriedOut }, 'paris', clock).run(stop.signal)
  const progress = async () => (await readControl(parts.object, never)).requests.map((one) => one.progress.kind)
  const nextRead = async () => {
    clock.fireNext()
    await settled()
  }
  const wanted = { kind: 'check', stream: 'paris' } as const
  await updateControl(parts, (document) => requested(document, wanted, { id: '1', by: 'operator', at: 1 }), never)
  const before = store.stored(KEY)?.text
  await settled()
  for (let read = 0; read < 2; read += 1) await nextRead()
  expect(await progress()).toEqual(['done'])
  store.tamper(KEY, before)
  await nextRead()
  expect(await progress()).toEqual(['done'])
  expect(answered).toEqual(['1'])
  stop.abort()
})
