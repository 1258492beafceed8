import { noRequests, parseControl, serializeControl } from '../../connector/control/control-document.ts'
import { recorded, requested } from '../../connector/control/requests.ts'
import { checkpointObject } from './checkpoint-object.ts'

/** The control object says that the stream is paused, as a replica has confirmed; or lets it run again. */
export async function setPaused(connector: string, to: 'paused' | 'running', stream = 'clients'): Promise<void> {
  const object = checkpointObject(connector, '_control')
  const stored = await object.read()
  const before = stored === undefined ? noRequests : parseControl(stored.text)
  const wanted =
    to === 'paused' ? ({ kind: 'pause', stream, reason: 'test' } as const) : ({ kind: 'resume', stream } as const)
  const id = `test ${before.requests.length}`
  const asked = requested(before, wanted, { id, by: 'test', at: Date.now() }) ?? before
  const after = recorded(asked, new Map([[id, { at: Date.now() }]]), 'test') ?? asked
  await object.write(serializeControl({ ...after, nonce: id }))
}
