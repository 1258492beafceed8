import { setImmediate as nextMacrotask } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

/** Whether the object is still in memory after what runs now, and a collection. */
export async function isHeld(object: WeakRef<object>): Promise<boolean> {
  await nextMacrotask()
  collectGarbage()
  return object.deref() !== undefined
}
