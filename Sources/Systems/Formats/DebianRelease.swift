/// Debian's releases with images for the Raspberry Pi, in order.
enum DebianRelease: String, CaseIterable, Comparable {
    case wheezy, jessie, stretch, buster, bullseye, bookworm, trixie, forky

    static func < (left: DebianRelease, right: DebianRelease) -> Bool {
        (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
    }
}
