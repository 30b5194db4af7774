import Filesystems
import Systems

extension RootSetup {
    /// Has sysvinit start /etc/init.d/`script` in the runlevels that a system boots into, as number `place` (two digits).
    mutating func start(_ script: String, place: String) {
        for level in 2...5 { link("/etc/rc\(level).d/S\(place)\(script)", to: "../init.d/\(script)") }
        guard let text = pendingText(StartOrder.path) ?? root.text(StartOrder.path) else { return }
        put(StartOrder.adding(script, to: text), at: StartOrder.path)
    }

    /// What an edit made so far puts at `path`.
    private func pendingText(_ path: String) -> String? {
        guard case .file(let contents, _) = edits.last(where: { $0.path == path })?.action else { return nil }
        return String(decoding: contents, as: UTF8.self)
    }
}
