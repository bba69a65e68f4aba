export function Logo({ size = 28 }: { size?: number }) {
  return <img className="logo" src="/icon.svg" width={size} height={size} alt="" />
}
