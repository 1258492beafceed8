import { readProjectFile } from './markdown-file.ts'

/** A shell block of a page, and what the page shows as its output. */
export interface ShellBlock {
  readonly script: string
  readonly shown: string | undefined
}

/**
 * The shell blocks of a page, in order. A block without a language that follows is its output. A comment that a reader
 * does not see leaves a block out, with the reason: `<!-- not run: … -->`.
 */
export function shellBlocks(page: string): ShellBlock[] {
  const found = readProjectFile(page).matchAll(
    /(?:^<!-- (?<mark>.*) -->\n)?^```(?<language>\w*)\n(?<text>[\s\S]*?)^```$/gm,
  )
  const fenced = [...found].map(({ groups: { mark = '', language = '', text = '' } = {} }) => ({
    mark,
    language,
    text,
  }))
  return fenced.flatMap(({ mark, language, text }, index) => {
    if (language !== 'sh' || mark.startsWith('not run: ')) return []
    const next = fenced[index + 1]
    return [{ script: text, shown: next?.language === '' ? next.text : undefined }]
  })
}
