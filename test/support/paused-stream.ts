import { noWishes, wishesText } from '../../connector/checkpoint/wishes.ts'
import { checkpointObject } from './checkpoint-object.ts'

/** Stores that an operator has paused the stream, or has resumed it. */
export async function setPaused(connector: string, to: 'paused' | 'running', stream = 'clients'): Promise<void> {
  const wishes = { ...noWishes, id: `test ${Math.random()}`, paused: to === 'paused', reason: 'test', at: Date.now() }
  await checkpointObject(connector, `${stream}.wishes`).write(wishesText(wishes))
}
