import type { Fields, FieldValue } from '../clients/made-up-client.ts'
import { type AnswerForm, type FormOptions, leafText } from './answer-form.ts'

export function jsonForm(options: FormOptions): AnswerForm {
  const { list, flag, token } = options.names
  const wrapper = { bare: undefined, d: 'd', 'type-name': 'FragmentedInfoClient' }[options.jsonStyle]
  const [before, after] = wrapper === undefined ? ['', ''] : [`{"${wrapper}":`, '}']
  return {
    contentType: 'application/json; charset=utf-8',
    separator: ',',
    client: (fields) => object(fields, options),
    frame: (page) => {
      const head = page.checkPoint === undefined ? '' : `"${token}":${JSON.stringify(page.checkPoint)},`
      const tail = page.hasMoreResults === undefined ? '' : `,"${flag}":${page.hasMoreResults}`
      return [`${before}{${head}"${list}":[`, `]${tail}}${after}`]
    },
  }
}

function object(fields: Fields, options: FormOptions): string {
  return `{${Object.entries(fields)
    .map(([name, value]) => `"${name}":${json(value, options)}`)
    .join(',')}}`
}

function json(value: FieldValue, options: FormOptions): string {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return JSON.stringify(value)
  switch (value.kind) {
    case 'number':
      return value.text
    case 'group':
      return object(value.fields, options)
    case 'list':
      return `[${value.items.map((item) => object(item, options)).join(',')}]`
    case 'time':
      return options.jsonDates === 'iso' ? JSON.stringify(leafText(value)) : microsoftDate(value, options)
  }
}

/** `"\/Date(1198908717056+0200)\/"`; the minimum date has no offset. As Microsoft's serializers write dates. */
function microsoftDate(time: { wall: string; instant?: number }, { wall }: FormOptions): string {
  if (time.wall.startsWith('0001-')) return '"\\/Date(-62135596800000)\\/"'
  const instant = time.instant ?? wall.instantOf(time.wall)
  const minutes = Math.round(wall.offsetAt(instant) / 60_000)
  const text = String(Math.floor(Math.abs(minutes) / 60) * 100 + (Math.abs(minutes) % 60)).padStart(4, '0')
  return `"\\/Date(${instant}${minutes < 0 ? '-' : '+'}${text})\\/"`
}
