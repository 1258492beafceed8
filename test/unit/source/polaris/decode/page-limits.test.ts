import { describe, expect, it } from 'vitest'
import { type ClientRecord, OVERSIZE, oversizeOf } from '../../../../../connector/source/client-source.ts'
import type { DecodeSettings } from '../../../../../connector/source/polaris/decode/decode-xml.ts'
import { decodedBody } from '../../../../support/decode-answer-body.ts'

const MIB = 1024 * 1024
const settings = (): DecodeSettings => ({ timeZone: 'Europe/Paris' })

async function decode(text: string) {
  const decoded = await decodedBody([Buffer.from(text)], undefined, settings())
  return decoded.kind === 'page' ? decoded.content.clients : decoded.error
}

async function clients(text: string): Promise<readonly ClientRecord[]> {
  const decoded = await decode(text)
  if (decoded instanceof Error) throw decoded
  return decoded
}

const tooLarge = (limit: string) =>
  expect.objectContaining({ code: 'source.answer-too-large', message: expect.stringContaining(limit) })

interface Format {
  readonly page: (clients: string) => string
  /** A client with these fields and further ones named `a`. */
  readonly client: (fields: Readonly<Record<string, string>>, more?: string) => string
  /** Fields named `a`; the first and the last one can differ. */
  readonly fields: (count: number, last?: string) => string
}

const json: Format = {
  page: (items) => `{"hasMoreResults":false,"checkPoint":null,"Clients":[${items}]}`,
  client: (fields, more = '') => {
    const named = Object.entries(fields).map(([name, text]) => `"${name}":"${text}"`)
    return `{${[...named, ...(more === '' ? [] : [`"a":[${more}]`])].join(',')}},`
  },
  fields: (count, last = '1.50') => `${'1.50,'.repeat(count - 1)}${last}`,
}
const xml: Format = {
  page: (items) => `<p><hasMoreResults>false</hasMoreResults><checkPoint/><Clients>${items}</Clients></p>`,
  client: (fields, more = '') => {
    const named = Object.entries(fields).map(([name, text]) => `<${name}>${text}</${name}>`)
    return `<InfoClient>${named.join('')}${more === '' ? '' : `<a>${more}</a>`}</InfoClient>`
  },
  fields: (count, last = '1.50') => `${'<b>1.50</b>'.repeat(count - 1)}<b>${last}</b>`,
}
const page = (format: Format, ...items: readonly string[]) => format.page(items.join('').replace(/,$/, ''))

describe.each([
  ['json', json],
  ['xml', xml],
] as const)('a page in %s', (_, format) => {
  it('is too large with more nodes than the limit, which the error names', async () => {
    const client = format.client({ No: '1' }, format.fields(9_000))
    expect(await clients(page(format, client.repeat(5)))).toHaveLength(5)
    expect(await decode(page(format, client.repeat(56)))).toEqual(tooLarge('500000'))
  })

  it('is too large with more clients than the limit, which the error names', async () => {
    expect(await decode(page(format, format.client({}).repeat(100_001)))).toEqual(tooLarge('100000'))
  })

  it('continues with the other clients when one has too many fields', async () => {
    const large = format.client({ No: '2', Nom: 'x' }, format.fields(10_001))
    const text = page(format, format.client({ No: '1' }, '1.50'), large, format.client({ No: '3' }, '1.50'))
    const [before, oversize, after, ...others] = await clients(text)
    expect([before, after, others]).toEqual([{ No: '1', a: expect.anything() }, { No: '3', a: expect.anything() }, []])
    expect(oversize).toMatchObject({ No: '2', Nom: 'x' })
    expect(oversizeOf(oversize ?? {})).toBeGreaterThan(10_001)
    expect(Object.keys(oversize ?? {}).length).toBeLessThan(10)
  })

  it('keeps a client whose fields are within the limit', async () => {
    const [client] = await clients(page(format, format.client({ No: '2' }, format.fields(9_990))))
    expect(oversizeOf(client ?? {})).toBeUndefined()
    expect(client?.a).toHaveLength(9_990)
  })

  it('skips any number of clients with too many fields', async () => {
    const large = format.client({ No: '2' }, format.fields(20_000))
    const found = await clients(page(format, large.repeat(26), format.client({ No: '3' })))
    expect(found).toHaveLength(27)
    expect(found.filter((client) => oversizeOf(client) !== undefined)).toHaveLength(26)
  })

  it('continues with the other clients when one is too large', async () => {
    const large = format.client({ No: '2', Nom: 'x'.repeat(4 * MIB) })
    const [before, oversize, after] = await clients(
      page(format, format.client({ No: '1' }), large, format.client({ No: '3' })),
    )
    expect([before, after]).toEqual([{ No: '1' }, { No: '3' }])
    expect(oversize).toMatchObject({ No: '2' })
    expect(oversize).not.toHaveProperty('Nom')
    expect(oversizeOf(oversize ?? {})).toBeGreaterThan(4 * MIB)
  })

  it('shows every change of a client beyond the limits', async () => {
    const versions = ['1.50', '1.51'].map((last) => format.client({ No: '2' }, format.fields(20_000, last)))
    const found = await clients(page(format, ...versions, ...versions))
    const marks = found.map((client) => client[OVERSIZE])
    expect(marks[0]).not.toBe(marks[1])
    expect(marks.slice(2)).toEqual(marks.slice(0, 2))
  })
})

describe('a page in xml', () => {
  it.each([
    ['elements', '<a/>'.repeat(500_001)],
    ['attributes', `<a ${Array.from({ length: 500_001 }, (_, at) => `a${at}=""`).join(' ')}/>`],
    ['parts of a text', 'a<!---->'.repeat(500_001)],
    ['CDATA sections', '<![CDATA[a]]>'.repeat(500_001)],
  ])('is too large with too many %s', async (_, content) => {
    expect(await decode(`<p>${content}</p>`)).toEqual(tooLarge('500000'))
  })

  it('continues when a client has too many attributes', async () => {
    const attributes = Array.from({ length: 20_000 }, (_, at) => ` a${at}="1"`).join('')
    const [oversize, after] = await clients(page(xml, `<InfoClient No="1"${attributes}/>`, xml.client({ No: '3' })))
    expect(oversize).toMatchObject({ No: '1' })
    expect(oversizeOf(oversize ?? {})).toBeGreaterThan(20_000 - 1)
    expect(Object.keys(oversize ?? {}).length).toBeLessThan(250)
    expect(after).toEqual({ No: '3' })
  })

  it('continues when a client with another name has too many fields', async () => {
    const items = [xml.client({ No: '1', Nom: 'x' }, xml.fields(10_001)), xml.client({ No: '3' })].join('')
    const [oversize, after] = await clients(page(xml, items.replaceAll('InfoClient>', 'Other>')))
    expect(oversize).toEqual({ No: '1', Nom: 'x', [OVERSIZE]: expect.stringMatching(/^\d{5,} /) })
    expect(after).toEqual({ No: '3' })
  })

  it('has a page that is named like a client, whatever its size', async () => {
    const items = xml.client({ No: '1' }, xml.fields(5_000)).repeat(4)
    const text = `<r><InfoClient><hasMoreResults>false</hasMoreResults><l>${items}</l></InfoClient></r>`
    expect(await clients(text)).toHaveLength(4)
    expect(
      await clients(
        text
          .replace('<l>', '<l><Other/>')
          .replaceAll('<InfoClient><No>', '<C><No>')
          .replaceAll('</a></InfoClient>', '</a></C>'),
      ),
    ).toHaveLength(4)
  })
})
