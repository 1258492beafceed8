import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { posix } from 'node:path'

/** A Markdown file of the project. */
export interface MarkdownFile {
  /** Relative to the project root. */
  readonly path: string
  readonly text: string
  /** Valid link targets after `#`: explicit ids, and ids that forges derive from headings. */
  readonly anchors: readonly string[]
  /** Links to files in the project. */
  readonly links: readonly MarkdownLink[]
  readonly blocks: readonly CodeBlock[]
}

/** A fenced block. */
interface CodeBlock {
  readonly language: string
  readonly text: string
  /** The comment in the line before, which a reader does not see. */
  readonly mark: string
}

interface MarkdownLink {
  /** Relative to the project root. */
  readonly path: string
  readonly anchor: string | undefined
}

const root = new URL('../../../', import.meta.url)
export const readProjectFile = (path: string) => readFileSync(new URL(path, root), 'utf8')

/** All Markdown files, tracked or not, that Git does not ignore. */
export function markdownFiles(): readonly MarkdownFile[] {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], { cwd: root })
  return listed.toString().trim().split('\n').map(markdownFile)
}

const fenced = /(?:^<!-- (.*) -->\n)?^```([\w-]*)[^\n]*\n([\s\S]*?)^```$/gm

export function markdownFile(path: string): MarkdownFile {
  const text = readProjectFile(path)
  const prose = text
    .replaceAll(/^```[\s\S]*?^```$/gm, '')
    .replaceAll(/`[^`\n]*`/g, (code) => code.replaceAll(/[[\]()]/g, ''))
  return {
    path,
    text,
    anchors: [...headingAnchors(text), ...Array.from(text.matchAll(/<a id="([^"]+)">/g), ([, id = '']) => id)],
    links: [...prose.matchAll(/\]\((?![a-z]+:)([^)#\s]*)(?:#([^)\s]*))?\)/g)].map(([, target, anchor]) => ({
      path: target === undefined || target === '' ? path : posix.join(posix.dirname(path), target),
      anchor,
    })),
    blocks: [...text.matchAll(fenced)].map(([, mark = '', language = '', block = '']) => {
      return { mark, language, text: block }
    }),
  }
}

function headingAnchors(text: string): string[] {
  const headings = text.replaceAll(/^```[\s\S]*?^```$/gm, '').matchAll(/^#{1,6} (.+)$/gm)
  return [...headings].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  )
}
