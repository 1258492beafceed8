import { randomUUID } from 'node:crypto'
import { controlParts } from '../../compose/compose-control.ts'
import { updateControl } from '../../control/control-document.ts'
import { requested } from '../../control/requests.ts'
import { codeOf } from '../../runtime/connector-error.ts'
import type { ChosenStream } from '../chosen-stream.ts'
import type { CommandParts } from '../command.ts'

/**
 * Leaves a request to check the stream, so that a replica that holds it notices a new checkpoint within seconds. Says so
 * if it cannot: the checkpoint is written by then.
 */
export async function requestCheck(
  { stream, shared }: Pick<ChosenStream, 'stream' | 'shared'>,
  { printError, stop }: Pick<CommandParts, 'printError' | 'stop'>,
): Promise<void> {
  const requester = { id: randomUUID(), by: shared.replica, at: shared.clock.now() }
  try {
    const wanted = { kind: 'check', stream: stream.name } as const
    await updateControl(controlParts(shared), (document) => requested(document, wanted, requester), stop)
  } catch (error) {
    printError(`no check could be requested (${codeOf(error)}): a held stream checks again by itself within 15 minutes`)
  }
}
