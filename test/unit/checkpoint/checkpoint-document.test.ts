import { describe, expect, test } from 'vitest'
import { FORMAT, parseDocument, serializeDocument } from '../../../connector/checkpoint/checkpoint-document.ts'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import { HISTORY, LIVE } from '../../../connector/scan/scan-state.ts'
import { scanOf, statesOf, timeText, token } from '../scan/scans.ts'
import { documentWith, state } from './documents.ts'

function errorOf(text: string): ConnectorError {
  try {
    parseDocument(text)
  } catch (error) {
    if (error instanceof ConnectorError) return error
  }
  throw new Error('the document was accepted')
}
const changed = (change: (document: Record<string, unknown>) => void) => {
  const document = JSON.parse(serializeDocument(documentWith({ pending: {} })))
  change(document)
  return JSON.stringify(document)
}

describe('a checkpoint document', () => {
  test('Invariant 5: keeps a checkPoint verbatim', () => {
    const checkPoint = ' +/=%20\u0000\ud83d\ude00 é\n'
    const live = scanOf({ ...LIVE, checkPoint: token(checkPoint) })
    const scans = statesOf({ live: { startedAt: null, scan: live } })
    const text = serializeDocument(documentWith({ committed: { state: { ...state, scans } } }))
    expect(parseDocument(text).committed.state.scans.live.scan?.checkPoint).toBe(checkPoint)
  })
})

describe('an invalid document', () => {
  const whole = serializeDocument(documentWith({ pending: {} }))

  test('is damaged when it is truncated at any length', () => {
    for (let length = 0; length < whole.length - 2; length += 7)
      expect(errorOf(whole.slice(0, length)).code).toBe('checkpoint.damaged')
  })

  test.each(['null', '[]', '7', '"text"', '{}', `{"format":${FORMAT}}`, '{"format":"3"}', '<html>'])(
    'is damaged: %s',
    (text) => {
      expect(errorOf(text).code).toBe('checkpoint.damaged')
    },
  )

  test.each<[string, (document: Record<string, never>) => void]>([
    ['without its committed state', (document) => Reflect.deleteProperty(document, 'committed')],
    ['without the field for the pending state', (document) => Reflect.deleteProperty(document, 'pending')],
    ['with a negative number', (document) => Object.assign(document, { claim: { epoch: -1, owner: 'x', at: 0 } })],
  ])('is damaged: %s', (_what, change) => {
    expect(errorOf(changed(change as never)).code).toBe('checkpoint.damaged')
  })

  test.each([
    ['an entry of the client index that is cut off', 'A'.repeat(47)],
    ['an entry of the client index that is not base64', `${'A'.repeat(47)}!`],
  ])('is damaged: %s', (_what, delta) => {
    const committed = { state: { ...state, index: { ...state.index, delta } } }
    const error = errorOf(serializeDocument(documentWith({ committed })))
    expect(error.code).toBe('checkpoint.damaged')
    expect(error.message).toContain('committed.state.index.delta')
  })

  test('is damaged: an invalid time, or a scan that this version does not know', () => {
    const history = scanOf(HISTORY)
    for (const background of [
      { ...history, from: timeText('yesterday') },
      { ...history, lane: 'another' as 'history' },
    ]) {
      const scans = statesOf({ background: [background] })
      const error = errorOf(serializeDocument(documentWith({ committed: { state: { ...state, scans } } })))
      expect(error.message).toContain('committed.state.scans.background.0')
    }
  })

  test.each([0, 5, 3.5, 999])('has an unknown format when `format` is %d, whatever else it contains', (format) => {
    expect(errorOf(JSON.stringify({ format, anything: 'else' })).code).toBe('checkpoint.unknown-format')
  })

  test('Invariant 8: the error reports paths and no values', () => {
    const planted = 'planted@canari.example'
    const texts = [
      planted,
      `{"format":${FORMAT},"${planted}":"${planted}","committed":"${planted}"}`,
      `{"format":"${planted}"}`,
      changed((document) =>
        Object.assign(document, { connector: { [planted]: planted }, pending: { change: planted } }),
      ),
    ]
    for (const error of texts.map(errorOf)) {
      expect(error.code).toBe('checkpoint.damaged')
      expect(`${error.message} ${error.stack} ${String(error.cause)}`).not.toContain('planted')
    }
    expect(errorOf(texts[3] ?? '').message).toContain('connector')
  })
})
