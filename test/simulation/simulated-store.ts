import { untilAborted } from '../../connector/runtime/abort.ts'
import { ConnectorError } from '../../connector/runtime/connector-error.ts'
import type { VersionedObject } from '../../connector/storage/checkpoint-store.ts'
import type { MemoryFault } from '../support/fakes/memory-versioned-object.ts'
import type { Actor } from './actor.ts'
import type { World } from './world.ts'

/** An object as one process sees it: each call waits to be released; an abandoned call may still take effect. */
export function storeOf(
  world: World,
  { name, process, store }: Pick<Actor, 'name' | 'process' | 'store'>,
  of: { readonly stream: string; readonly key: string },
): VersionedObject {
  const object = world.store.object(of.key)
  const { signal: never } = new AbortController()
  const call = <Answer>(operation: string, operate: () => Promise<Answer>, finish: AbortSignal): Promise<Answer> => {
    const answer = new Promise<Answer>((resolve, reject) => {
      const settle = (fault: MemoryFault) => {
        world.nextStoreCall.fault = fault
        operate().then(
          (value) => process.whenRunning(() => resolve(value)),
          (error) => process.whenRunning(() => reject(error)),
        )
      }
      world.enqueue({ replica: name, stream: of.stream, what: 'store', operation: `${operation} ${of.key}`, settle })
    })
    return untilAborted(finish, answer)
  }
  return {
    read: (finish) => call('read', () => object.read(never), finish),
    write: async (text, expected, finish) => {
      if (expected === null || store.isReady)
        return await call('write', () => object.write(text, expected, never), finish)
      world.violations.push(`${name} writes ${of.key} before it knows how the store compares`)
      throw new ConnectorError('storage.unavailable', `write ${of.key}: refused`)
    },
  }
}
