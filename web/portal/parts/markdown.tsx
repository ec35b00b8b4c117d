import type { ReactNode } from 'react'
import { type Block, type Inline, parseMarkdown } from '../view-models/markdown.ts'
import { Scroll } from './scroll.tsx'

const outside = /^https?:/

function InlineView({ node }: { node: Inline }): ReactNode {
  switch (node.kind) {
    case 'text':
      return node.text
    case 'code':
      return <code>{node.text}</code>
    case 'strong':
      return (
        <strong>
          <Inlines nodes={node.children} />
        </strong>
      )
    case 'emphasis':
      return (
        <em>
          <Inlines nodes={node.children} />
        </em>
      )
    case 'link':
      return (
        <a href={node.href} {...(outside.test(node.href) ? { rel: 'noopener noreferrer' } : {})}>
          <Inlines nodes={node.children} />
        </a>
      )
    case 'break':
      return <br />
  }
}

// Documents never move: the place of a node is its identity.
function Inlines({ nodes }: { nodes: Inline[] }): ReactNode {
  // biome-ignore lint/suspicious/noArrayIndexKey: see above
  return nodes.map((node, index) => <InlineView key={index} node={node} />)
}

function BlockView({ block, shift }: { block: Block; shift: number }): ReactNode {
  switch (block.kind) {
    case 'heading': {
      const Tag = `h${Math.min(6, block.level + shift)}` as 'h2' | 'h3' | 'h4' | 'h5' | 'h6'
      return (
        <Tag>
          <Inlines nodes={block.children} />
        </Tag>
      )
    }
    case 'paragraph':
      return (
        <p>
          <Inlines nodes={block.children} />
        </p>
      )
    case 'code':
      return (
        <Scroll kind="code-scroll" label="Code">
          <pre className="code">
            <code>{block.text}</code>
          </pre>
        </Scroll>
      )
    case 'quote':
      return (
        <blockquote>
          <Blocks blocks={block.blocks} shift={shift} />
        </blockquote>
      )
    case 'list': {
      const Tag = block.ordered ? 'ol' : 'ul'
      return (
        <Tag>
          {block.items.map((item, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: see above
            <li key={index}>
              <ItemBlocks blocks={item.blocks} shift={shift} />
            </li>
          ))}
        </Tag>
      )
    }
    case 'table':
      return <MarkdownTable head={block.head} rows={block.rows} />
    case 'rule':
      return <hr />
  }
}

/** A short item is its text, without a paragraph around it. */
function ItemBlocks({ blocks, shift }: { blocks: Block[]; shift: number }): ReactNode {
  const [first, ...rest] = blocks
  if (first?.kind !== 'paragraph') return <Blocks blocks={blocks} shift={shift} />
  return (
    <>
      <Inlines nodes={first.children} />
      <Blocks blocks={rest} shift={shift} />
    </>
  )
}

function MarkdownTable({ head, rows }: { head: Inline[][]; rows: Inline[][][] }): ReactNode {
  return (
    <Scroll kind="table-scroll" label="Table">
      <table>
        <thead>
          <tr>
            {head.map((cell, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: see above
              <th key={index} scope="col">
                <Inlines nodes={cell} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, number) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: see above
            <tr key={number}>
              {row.map((cell, index) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: see above
                <td key={index}>
                  <Inlines nodes={cell} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  )
}

function Blocks({ blocks, shift }: { blocks: Block[]; shift: number }): ReactNode {
  // biome-ignore lint/suspicious/noArrayIndexKey: see above
  return blocks.map((block, index) => <BlockView key={index} block={block} shift={shift} />)
}

/** @param shift how far headings move down, so that they nest below the page's own */
export function Markdown({ source, shift = 1 }: { source: string; shift?: number }): ReactNode {
  return (
    <div className="prose">
      <Blocks blocks={parseMarkdown(source)} shift={shift} />
    </div>
  )
}
