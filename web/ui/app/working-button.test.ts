import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createElement } from 'react'
import { renderToStaticMarkup } from 'react-dom/server'
import { WorkingButton } from './working-button.ts'

const shown = (props: Parameters<typeof WorkingButton>[0]): string =>
  renderToStaticMarkup(createElement(WorkingButton, props))

test('a button that works keeps the focus and does nothing; one that is disabled has neither', () => {
  assert.equal(shown({ type: undefined }), '<button type="button"></button>')
  assert.equal(shown({ type: 'submit' }), '<button type="submit"></button>')
  assert.equal(shown({ disabled: true }), '<button type="button" disabled=""></button>')
  const props = { disabled: true, 'data-loading': true, onClick: () => assert.fail('it works') }
  assert.match(shown(props), /^<button data-loading="true" type="button" aria-disabled="true">/)
  const element = WorkingButton(props) as { props: { onClick: (event: unknown) => void } }
  const refused: string[] = []
  element.props.onClick({
    preventDefault: () => refused.push('default'),
    stopPropagation: () => refused.push('propagation'),
  })
  assert.deepEqual(refused, ['default', 'propagation'])
})
