import { parseDocument } from '../../connector/checkpoint/checkpoint-document.ts'
import { untilAborted } from '../../connector/runtime/abort.ts'
import { ConnectorError } from '../../connector/runtime/connector-error.ts'
import type { SegmentStore } from '../../connector/storage/checkpoint-store.ts'
import { copyOf } from '../support/fakes/memory-segment-store.ts'
import type { Actor } from './actor.ts'
import type { SimulatedStream } from './simulated-stream.ts'
import type { OperationFault, World } from './world.ts'

/** The segments of a stream as one replica sees them: each call waits to be released; an abandoned one may still take effect. */
export function segmentsOf(world: World, { name: replica, process }: Actor, stream: SimulatedStream): SegmentStore {
  const { stored } = world.store.segments(stream.key)
  const call = <Answer>(operation: string, operate: () => Answer, finish: AbortSignal): Promise<Answer> => {
    const answer = new Promise<Answer>((resolve, reject) => {
      const settle = (fault: OperationFault) => {
        if (fault === 'late') world.lateSegmentCalls.push(operate)
        const result = fault === 'none' || fault === 'after' ? operate() : undefined
        const failure = new ConnectorError('storage.unavailable', `simulated: ${operation}: ${fault}`)
        process.whenRunning(() => (fault === 'none' ? resolve(result as Answer) : reject(failure)))
      }
      world.enqueue({ replica, stream: stream.name, what: 'store', operation, settle })
    })
    return untilAborted(finish, answer)
  }
  const put = (name: string, bytes: Uint8Array) => {
    const before = stored.get(name)
    if (before !== undefined && Buffer.compare(before, bytes) !== 0)
      world.violations.push(`${stream.name}: ${replica} reuses the name of segment ${name}`)
    stored.set(name, bytes)
  }
  const remove = (name: string) => {
    stored.delete(name)
    if (namedSegments(stream).includes(name))
      world.violations.push(`${stream.name}: ${replica} deletes segment ${name}, which the checkpoint names`)
  }
  return {
    put: (name, bytes, finish) => call(`put ${name}`, () => put(name, Uint8Array.from(bytes)), finish),
    get: (name, finish) => call(`get ${name}`, () => copyOf(stored.get(name)), finish),
    list: (finish) => call('list', () => [...stored.keys()], finish),
    remove: (name, finish) => call(`remove ${name}`, () => remove(name), finish),
  }
}

/** The segments that the stored checkpoint names. */
function namedSegments({ documents }: SimulatedStream): readonly string[] {
  const text = documents.at(-1)?.text
  if (text === undefined || text === '{') return []
  return parseDocument(text).committed.state.index.segments.map(({ name }) => name)
}

/** A document was stored: every segment that it names must exist, unless a rule of the bucket removed it. */
export function checkSegments(world: Pick<World, 'store' | 'violations'>, stream: SimulatedStream): void {
  const { stored } = world.store.segments(stream.key)
  for (const name of namedSegments(stream))
    if (!stored.has(name) && !stream.expired.has(name))
      world.violations.push(`${stream.name}: the checkpoint names segment ${name}, which does not exist`)
}

/** A rule of the bucket removes a segment. */
export function expireSegment({ store }: World, stream: SimulatedStream, detail: number): void {
  const { stored } = store.segments(stream.key)
  const [name, bytes] = [...stored][detail % Math.max(1, stored.size)] ?? []
  if (name === undefined || bytes === undefined) return
  stream.expired.set(name, bytes)
  stored.delete(name)
}

/** An operator restores what the rule removed. */
export function restoreSegments({ store }: World, stream: SimulatedStream): void {
  const { stored } = store.segments(stream.key)
  for (const [name, bytes] of stream.expired) if (!stored.has(name)) stored.set(name, bytes)
}
