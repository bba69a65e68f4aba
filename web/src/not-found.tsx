import { Link } from 'wouter'

export function NotFound() {
  return (
    <div className="empty">
      <h1>There is nothing here</h1>
      <p className="quiet">The address does not belong to any page.</p>
      <Link className="button primary" href="/">
        See all spaces
      </Link>
    </div>
  )
}
