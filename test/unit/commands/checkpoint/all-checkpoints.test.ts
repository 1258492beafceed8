import { expect, test } from 'vitest'
import { serializeDocument } from '../../../../connector/checkpoint/checkpoint-document.ts'
import { checkpointRow, rowLines } from '../../../../connector/commands/checkpoint/all-checkpoints.ts'
import { noRequests } from '../../../../connector/control/control-document.ts'
import { requested } from '../../../../connector/control/requests.ts'
import { plainScreen } from '../../../support/screens.ts'
import { documentWith } from '../../checkpoint/documents.ts'

const requester = { id: '1', by: 'operator-1', at: 0 }
const paused = requested(noRequests, { kind: 'pause', stream: 'paris', reason: 'new server' }, requester) ?? noRequests

test('every stream is one row: how far it has read, who runs it, and why it does not', () => {
  const document = documentWith({})
  const rowOf = (stream: string, text: string | undefined) => checkpointRow(stream, text, { document: paused })
  const rows = [
    rowOf('lyon', serializeDocument(document)),
    rowOf('paris', serializeDocument(document)),
    rowOf('lille', undefined),
    rowOf('nice', '{'),
  ]
  const { owner, epoch } = document.claim
  expect(rows[0]).toMatchObject({ code: null, committed: { events: document.committed.state.events }, owner, epoch })
  const lines = rowLines(rows, plainScreen)
  expect(lines[0]).toMatch(/^STREAM +LIVE UNTIL +BACKFILL +EVENTS +OPENED BY +SINCE +EPOCH$/)
  expect(lines[1]).toMatch(new RegExp(`^lyon .* ${owner} +\\S+Z +${epoch}$`))
  expect(lines[2]).toMatch(/paused: new server$/)
  expect(lines.slice(3)).toEqual([
    expect.stringMatching(/^lille( +–){6} +no checkpoint$/),
    expect.stringMatching(/^nice( +–){6} +checkpoint\.damaged$/),
  ])
})
