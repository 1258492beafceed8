import { describe, expect, test } from 'vitest'
import { decodeAnswer } from '../../../../../../connector/source/polaris/decode/decode-answer.ts'
import { decodePage, type PageSettings } from '../../../../../../connector/source/polaris/decode/page/decode-page.ts'
import { isErrorName } from '../../../../../../connector/source/polaris/decode/page/reported-error.ts'

type Settings = Omit<PageSettings, 'timeZone'>
const decode = (text: string, settings: Settings = {}) =>
  decodePage(decodeAnswer(text), { timeZone: 'UTC', ...settings })
const xml = (inner: string) => `<p><hasMoreResults>false</hasMoreResults>${inner}</p>`
const json = (inner: string) => `{"hasMoreResults":false,${inner}}`
const errorDocument = (field: string) =>
  expect.objectContaining({ code: 'source.error-document', message: expect.stringContaining(` ${field} `) })
const XML_CLIENT = '<Clients><InfoClient><No>1</No></InfoClient></Clients>'
const JSON_CLIENT = '"Clients":[{"No":1}]'

describe('an error inside a page', () => {
  test.each([
    ['Error', json('"Clients":[],"Error":{"Code":500,"Message":"DB timeout"}')],
    ['errors', json('"Clients":[],"errors":[{"code":"E42","message":"timeout"}]')],
    ['ErrorMessage', json('"Clients":[],"ErrorMessage":"timeout"')],
    ['error_code', json('"Clients":[],"error_code":"12"')],
    ['Erreur', xml('<Clients/><Erreur><Code>500</Code><Libelle>Base indisponible</Libelle></Erreur>')],
    ['error', '<p error="timeout"><hasMoreResults>false</hasMoreResults><Clients/></p>'],
    ['Success', xml('<Clients/><Success>false</Success>')],
    ['success', json('"Clients":[],"success":0')],
  ])('Invariant 9: makes the page an error document: %s in %s', (field, page) => {
    expect(() => decode(page)).toThrow(errorDocument(field))
    expect(() => decode(page, { known: { path: ['Clients'], isConfigured: true } })).toThrow(errorDocument(field))
    const withClient = page.replace('<Clients/>', XML_CLIENT).replace('"Clients":[]', JSON_CLIENT)
    expect(() => decode(withClient)).toThrow(errorDocument(field))
    const withMore = withClient.replace('false', 'true').replace('</p>', '<checkPoint>t</checkPoint></p>')
    expect(() => decode(withMore.replace(/\}$/, ',"checkPoint":"t"}'))).toThrow(errorDocument(field))
  })

  test.each([
    ['Error', `{"d":${json('"Clients":[]')},"Error":{"Message":"Timeout"}}`],
    ['Fault', `<Envelope><Body>${xml('<Clients/>')}</Body><Fault><Code>1</Code></Fault></Envelope>`],
    ['Erreur', `<r><a>${xml(XML_CLIENT)}</a><Erreur>Timeout</Erreur></r>`],
    ['Success', `{"Success":false,"Result":${json(JSON_CLIENT)}}`],
  ])('Invariant 9: counts beside the page in its wrapper too: %s in %s', (field, page) => {
    expect(() => decode(page)).toThrow(errorDocument(field))
  })

  test.each([
    json(`${JSON_CLIENT},"Error":null,"Erreur":"","ErrorCode":0,"HasErrors":false,"errors":[]`),
    json(`${JSON_CLIENT},"Error":{"Code":0,"Message":"OK","Details":[null,""]},"Success":true`),
    json(`${JSON_CLIENT},"Exception":"None","Fault":"null","ErrorText":" OK "`),
    json(`${JSON_CLIENT},"Terror":"x","Defaut":"y","Interface":"faulty","Message":"1 client"`),
    xml(`${XML_CLIENT}<Error/><Erreur>0</Erreur><Errors><Error> </Error></Errors><Success>1</Success>`),
    xml(`${XML_CLIENT}<Erreur><Code>0</Code><Libelle>OK</Libelle></Erreur>`),
    xml('<Clients><InfoClient><No>1</No><Erreur>x</Erreur></InfoClient></Clients>'),
  ])('is none without content, under another name, or in a client: %s', (page) => {
    expect(decode(page).clients).toEqual([expect.objectContaining({ No: '1' })])
  })

  test('is none in a field of polaris.statusFields, by name or by path', () => {
    const page = json(`${JSON_CLIENT},"Error":{"Code":"S200","Message":""},"Success":false`)
    expect(() => decode(page, { statusFields: ['success'] })).toThrow(errorDocument('Error'))
    expect(() => decode(page, { statusFields: ['success', 'Error.Message'] })).toThrow(errorDocument('Error'))
    expect(() => decode(page, { statusFields: ['error'] })).toThrow(errorDocument('Success'))
    for (const field of ['Error', 'error.code'])
      expect(decode(page, { statusFields: ['Success', field] }).clients).toHaveLength(1)
    const list = json(`${JSON_CLIENT},"Errors":[{"Code":"S200"}]`)
    expect(decode(list, { statusFields: ['Errors.Code'] }).clients).toHaveLength(1)
  })

  test('Invariant 8: is named by its field, never by its content or by an unusual key', () => {
    const thrown = (page: string) => {
      try {
        decode(page)
      } catch (error) {
        return String(error)
      }
      return 'nothing'
    }
    expect(thrown(json('"Error":{"DUPONT":"DUPONT"}'))).toMatch(/field Error of(?!.*DUPONT)/)
    expect(thrown(json('"Erreur pour DUPONT":"x"'))).toMatch(/\(not shown\)(?!.*DUPONT)/)
  })
})

test('a name is that of an error by whole words only', () => {
  const errors = ['Error', 'ERREUR', 'ERROR_CODE', 'SqlException', 'soapFault', 'faultstring', 'erreurs.liste']
  const others = ['Terror', 'Default', 'ErrorlessMode', 'Feerreurie', '', 'x'.repeat(10_000)]
  expect(errors.filter(isErrorName)).toEqual(errors)
  expect(others.filter(isErrorName)).toEqual([])
})
