import { expect, test } from 'vitest'
import { settingList } from '../../../connector/config/setting-list.ts'
import { errorCatalogue } from '../../../connector/runtime/error-catalogue.ts'
import { markdownFiles, readProjectFile } from '../../support/documentation/markdown-file.ts'

// The names of settings and variables in the pages are compared with the schema.

const settings = settingList()
const variables = new Set([
  ...settings.flatMap(({ variable, fallback }) => [variable, fallback]),
  ...[...readProjectFile('compose.yaml').matchAll(/\$\{(\w+)/g)].map(([, name]) => name),
])
const sections = new Set(settings.flatMap(({ path }) => (path[0] === 'streams' ? path.slice(1, 2) : path.slice(0, 1))))
const pages = markdownFiles().filter(({ path }) => /^(README\.md|docs\/[^/]+\.md|helm\/README\.md)$/.test(path))

/** Look like settings, but are not: a Spark option, and error codes. */
const others = new Set(['kafka.isolation.level', ...Object.keys(errorCatalogue)])

/** Inline code of a page, outside fenced blocks. */
const codeIn = (text: string) =>
  [...text.replaceAll(/^```[\s\S]*?^```$/gm, '').matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code)

test.each(pages)('every variable named in $path belongs to the connector or to compose.yaml', ({ text }) => {
  const named = codeIn(text).flatMap(
    (code) => /^((?:POLARIS|POLL|EVENT|KAFKA|CHECKPOINT|CONNECTOR|HTTP|PLACEMENT)[A-Z_]*)(=|$)/.exec(code)?.[1] ?? [],
  )
  for (const variable of named) expect([...variables], variable).toContain(variable.replace(/_FILE$/, ''))
})

test.each(pages)('every setting named in $path is in the schema', ({ text }) => {
  const named = codeIn(text).flatMap(
    (code) => /^(?!.*\.json$)(?:config\.|streams\.)?([a-z]+(?:\.[a-zA-Z]+)+)(?:\.\*)?(?:: .*)?$/.exec(code)?.[1] ?? [],
  )
  const paths = settings.map(({ path }) => `${path.join('.').replace(/^streams\./, '')}.`)
  for (const name of named.filter((one) => sections.has(one.split('.')[0] ?? '') && !others.has(one)))
    expect(
      paths.some((path) => path.startsWith(`${name}.`)),
      name,
    ).toBe(true)
})
