import type { AnswerPage, Output } from './answer-forms.ts'

/** The clients of a page in one format, as they are rendered, and what is said of the page. */
type ShapedPage = Omit<AnswerPage, 'parts'> & { readonly clients: readonly string[] }

/** How another serializer, or another hand, writes a page. */
type AnswerShape = Readonly<Record<Output, (page: ShapedPage) => string>>

const jsonFlags = ({ hasMoreResults, checkPoint }: ShapedPage) =>
  `"hasMoreResults":${hasMoreResults},"checkPoint":${JSON.stringify(checkPoint)}`
const xmlFlags = ({ hasMoreResults, checkPoint }: ShapedPage) =>
  `<hasMoreResults>${hasMoreResults}</hasMoreResults><checkPoint>${checkPoint.replaceAll('&', '&amp;')}</checkPoint>`
const inXml = ({ clients }: ShapedPage, name = 'InfoClient') =>
  clients.join('').replace(/<(\/?)InfoClient>/g, (_, slash: string) => `<${slash}${name}>`)
const list = ({ clients }: ShapedPage) => `[${clients.join(',')}]`

/** Each shape is one that a serializer of .NET or a hand-made answer may have. */
export const answerShapes = {
  'flags in an object beside the clients': {
    json: (page) => `{"pagination":{${jsonFlags(page)}},"clients":${list(page)}}`,
    xml: (page) => `<R><Page>${xmlFlags(page)}</Page><Clients>${inXml(page)}</Clients></R>`,
  },
  'flags and clients in wrappers of their own': {
    json: (page) => `{"header":{${jsonFlags(page)},"code":0},"data":{"total":7,"items":${list(page)}}}`,
    xml: (page) =>
      `<R><Header code="0">${xmlFlags(page)}</Header><Data total="7"><Items>${inXml(page, 'Fiche')}</Items></Data></R>`,
  },
  'references to objects': {
    json: (page) =>
      `{${jsonFlags(page)},"clients":[${page.clients
        .map((client, at) => client.replace('{', `{"Origine":${at === 0 ? '{"$id":"3","Code":"7"}' : '{"$ref":"3"}'},`))
        .join(',')}]}`,
    xml: (page) =>
      `<R xmlns:z="http://schemas.microsoft.com/2003/10/Serialization/">${xmlFlags(page)}<Clients>${page.clients
        .map((client, at) =>
          client.replace('>', at === 0 ? '><Origine z:Id="i3"><Code>7</Code></Origine>' : '><Origine z:Ref="i3"/>'),
        )
        .join('')}</Clients></R>`,
  },
  'InfoClient with $values': {
    json: (page) => `{"$id":"1",${jsonFlags(page)},"InfoClient":{"$id":"2","$values":${list(page)}}}`,
    xml: (page) => `<R xmlns:z="u" z:Id="i1">${xmlFlags(page)}<InfoClients z:Id="i2">${inXml(page)}</InfoClients></R>`,
  },
  'a single client without a list': {
    json: (page) =>
      `{${jsonFlags(page)}${page.clients.length === 0 ? '' : `,"client":${page.clients.length === 1 ? page.clients[0] : list(page)}`}}`,
    xml: (page) => `<R>${xmlFlags(page)}${inXml(page, 'Client')}</R>`,
  },
  'another list of objects': {
    json: (page) => `{${jsonFlags(page)},"clients":${list(page)},"promotions":[{"Code":"P1"},{"Code":"P2"}]}`,
    xml: (page) =>
      `<R>${xmlFlags(page)}<Clients>${inXml(page)}</Clients><Promo><P>1</P></Promo><Promo><P>2</P></Promo></R>`,
  },
  'isSuccess that is false': {
    json: (page) => `{${jsonFlags(page)},"isSuccess":false,"clients":${list(page)}}`,
    xml: (page) => `<R>${xmlFlags(page)}<IsSuccess>false</IsSuccess><Clients>${inXml(page)}</Clients></R>`,
  },
} as const satisfies Readonly<Record<string, AnswerShape>>

export type AnswerShapeName = keyof typeof answerShapes
