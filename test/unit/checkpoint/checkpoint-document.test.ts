import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareNotes, parseDocument, serializeDocument } from '../../../connector/checkpoint/checkpoint-document.ts'
import { ConnectorError, codeOf } from '../../../connector/runtime/connector-error.ts'
import { anyDocument, documentWith } from './documents.ts'

function errorOf(text: string): ConnectorError {
  try {
    parseDocument(text)
  } catch (error) {
    if (error instanceof ConnectorError) return error
  }
  throw new Error('the document was taken')
}
const changed = (change: (document: Record<string, unknown>) => void) => {
  const document = JSON.parse(serializeDocument(documentWith({ pending: {} })))
  change(document)
  return JSON.stringify(document)
}

describe('a checkpoint document', () => {
  test('comes back as it was written, whatever it holds', () => {
    fc.assert(
      fc.property(anyDocument, (document) => {
        expect(parseDocument(serializeDocument(document))).toEqual(document)
      }),
    )
  })

  test('Invariant 5: keeps a checkPoint verbatim', () => {
    const checkPoint = ' +/=%20\u0000\ud83d\ude00 é\n'
    const document = documentWith({})
    const { resume } = document.committed.state
    const text = serializeDocument({
      ...document,
      committed: {
        ...document.committed,
        state: {
          ...document.committed.state,
          resume: { ...resume, checkPoint: checkPoint as typeof resume.checkPoint },
        },
      },
    })
    expect(parseDocument(text).committed.state.resume.checkPoint).toBe(checkPoint)
  })

  test('is one line that ends with a line feed', () => {
    expect(serializeDocument(documentWith({}))).toMatch(/^[^\n]+\n$/)
  })
})

describe('a document that is not understood', () => {
  const whole = serializeDocument(documentWith({ pending: {} }))

  test('is damaged wherever it was cut', () => {
    for (let length = 0; length < whole.length - 2; length += 7)
      expect(errorOf(whole.slice(0, length)).code).toBe('checkpoint.damaged')
  })

  test.each(['null', '[]', '7', '"text"', '{}', '{"format":1}', '{"format":"1"}', '<html>'])(
    'is damaged: %s',
    (text) => {
      expect(errorOf(text).code).toBe('checkpoint.damaged')
    },
  )

  test.each<[string, (document: Record<string, never>) => void]>([
    ['without its committed state', (document) => Reflect.deleteProperty(document, 'committed')],
    ['without a pending state or its absence', (document) => Reflect.deleteProperty(document, 'pending')],
    ['with a negative number', (document) => Object.assign(document, { claim: { epoch: -1, owner: 'x', at: 0 } })],
    ['with a number in text', (document) => Object.assign(document, { claim: { epoch: '1', owner: 'x', at: 0 } })],
  ])('is damaged: %s', (_what, change) => {
    expect(errorOf(changed(change as never)).code).toBe('checkpoint.damaged')
  })

  test.each([
    ['a window entry cut short', { until: '2026-06-15T10:00:00', entries: 'x'.repeat(21) }],
    ['a time that is none', { until: 'yesterday', entries: 'x'.repeat(22) }],
  ])('is damaged: %s', (_what, slice) => {
    const text = changed((document) => {
      const { committed } = document as { committed: { state: { window: { seen: unknown[] } } } }
      committed.state.window.seen.push(slice)
    })
    const error = errorOf(text)
    expect(error.code).toBe('checkpoint.damaged')
    expect(error.message).toContain('committed.state.window.seen.0')
  })

  test.each([0, 2, 1.5, 999])('is of an unknown format: %d, whatever else it holds', (format) => {
    expect(errorOf(JSON.stringify({ format, anything: 'else' })).code).toBe('checkpoint.unknown-format')
  })

  test('Invariant 8: the error says where, and nothing of what is there', () => {
    const planted = 'planted@canari.example'
    const texts = [
      planted,
      `{"format":1,"${planted}":"${planted}","committed":"${planted}"}`,
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

describe('notes', () => {
  const note = (epoch: number, seq: number, nonce = 'n') => ({ epoch, seq, nonce })
  test.each([
    [note(1, 9), note(2, 1), 'older'],
    [note(2, 1), note(1, 9), 'newer'],
    [note(2, 1), note(2, 2), 'older'],
    [note(2, 2), note(2, 1), 'newer'],
    [note(2, 2), note(2, 2), 'equal'],
    [note(2, 2, 'a'), note(2, 2, 'b'), 'different'],
  ] as const)('are compared by epoch, then seq; equal is the same nonce: %o, %o', (left, right, expected) => {
    expect(compareNotes(left, right)).toBe(expected)
  })

  test('an error of the catalogue stops the stream for each of these', () => {
    expect(codeOf(errorOf('{}'))).toBe('checkpoint.damaged')
  })
})
