/**
 * Where an error in drawing ends: what is inside gives way to `fallback`, and all around it stays. It is told by the
 * root that caught it (main.tsx), once. Whatever broke is tried again when another thing is to be drawn in its place.
 */
import { Component, type ReactNode } from 'react'

interface Props {
  /** What is drawn: a path, the revision of a message. */
  of: string | number
  fallback: ReactNode
  children: ReactNode
}

interface State extends Pick<Props, 'of'> {
  status: 'whole' | 'broken'
}

export class Boundary extends Component<Props, State> {
  override state: State = { status: 'whole', of: this.props.of }

  static getDerivedStateFromError(): Pick<State, 'status'> {
    return { status: 'broken' }
  }

  static getDerivedStateFromProps({ of }: Props, state: State): State | null {
    return state.of === of ? null : { status: 'whole', of }
  }

  override render(): ReactNode {
    return this.state.status === 'broken' ? this.props.fallback : this.props.children
  }
}
