package import Cards
import SystemPackage

/// The readers that a station uses: those that the user named, and any reader whose card is inserted after the start.
package struct StationReaders: Sendable {
    /// A reader that the user named.
    package struct Named: Hashable, Sendable {
        package let name: String?
        /// Where it is plugged in. The device may have another name after it was unplugged.
        package let port: String
        /// The name of its device at the start.
        package let device: String

        package init(name: String?, _ facts: DeviceFacts) {
            self.name = name
            (port, device) = (facts.port, facts.path.string)
        }
    }

    private let named: [Named]
    private var tracker = ReaderTracker()
    /// Cards that were in readers before the start: they are not written until they are taken out and inserted again.
    private let strangers: Set<Int>

    /// - Parameter disks: The disks at the start.
    package init(named: [Named], present disks: [DeviceFacts]) {
        self.named = named
        let ports = Set(named.map(\.port))
        strangers = Set(tracker.update(disks).filter { !ports.contains($0.facts.port) }.map(\.id))
    }

    /// The cards among `disks` that the station may write.
    mutating func update(_ disks: [DeviceFacts]) -> [ReaderTracker.Medium] {
        tracker.update(disks).filter { !strangers.contains($0.id) && isReader($0.facts) }
    }

    func reader(_ facts: DeviceFacts) -> StationReader {
        StationReader(name: named.first { $0.port == facts.port }?.name, device: facts.path.string)
    }

    /// A loop device is a file that some program uses: it counts only if the user named it.
    private func isReader(_ facts: DeviceFacts) -> Bool {
        if named.contains(where: { $0.port == facts.port }) { return true }
        return facts.bus == .usb || facts.bus == .mmc && !facts.isBuiltIn
    }
}
