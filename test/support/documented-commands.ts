import { markdownFiles } from './markdown-file.ts'

/** A command that the documentation tells somebody to run. */
export interface DocumentedCommand {
  readonly page: string
  readonly command: string
}

const programs = 'polaris-connector|node|npm|npx|make|docker|podman|helm|kubectl|aws|openssl'
const inline = new RegExp(`\`((?:${programs}) [^\`\\n]+)\``, 'g')

/** In the order of the pages: the lines of shell blocks, and what stands inline and begins with a program. Decisions and the changelog tell of the past. */
export function documentedCommands(): readonly DocumentedCommand[] {
  const pages = markdownFiles().filter(({ path }) => !/^docs\/decisions\/|^CHANGELOG/.test(path))
  return pages.flatMap(({ path: page, text, blocks }) => {
    const fenced = blocks.filter(({ language }) => language === 'sh').flatMap((block) => commandsIn(block.text))
    const prose = text.replaceAll(/^```[\s\S]*?^```$/gm, '')
    const told = [...prose.matchAll(inline)].map(([, command = '']) => command)
    return [...new Set([...fenced, ...told])].map((command) => ({ page, command }))
  })
}

function commandsIn(script: string): string[] {
  const lines = script.replaceAll(/\\\n\s*/g, '').split('\n')
  return lines.map((line) => line.replace(/(^|\s+)#.*$/, '').trim()).filter((line) => line !== '')
}

/** What `test/e2e/documented-commands.test.ts` does not run, and why. */
export const leftOut: readonly [RegExp, string][] = [
  [/^npm ci|^npm run build$|^npm link$/, 'the tests run on what these have made'],
  [/^make (demo|test|test-image|release)$/, 'test/e2e/demo.test.ts runs the demo; the others run the tests'],
  [/^node bench\/|^npm run (check|generate)\b/, 'runs on every change, before this'],
  [
    /^node bench\/|^npm run (bench|chaos|cluster-test|simulate|model|test:)|^npx vitest run --project e2e$/,
    'long; in lanes of their own',
  ],
  [/^node --max-semi-space-size=16 /, 'flags, no command'],
  [/^(docker|podman) /, 'needs the image; test/image runs it, compose.yaml and what a release loads'],
  [/^sha256sum /, 'needs a release; test/image/release.test.ts makes one and runs it'],
  [/^(helm|kubectl) /, 'needs a cluster; test/chart and the cluster test run the chart'],
  [/^kafka-console-consumer\.sh /, 'comes with a distribution of Kafka, of which the tests have the broker alone'],
  [/^aws /, 'a tool of its own, at somebody’s bucket'],
]

/** The connector's own commands: each is run. */
export const isOurs = ({ command }: DocumentedCommand) =>
  /^(polaris-connector|node dist\/main\.js|npm start)/.test(command) && !isLeftOut(command)

export const isLeftOut = (command: string) => leftOut.some(([pattern]) => pattern.test(command))
