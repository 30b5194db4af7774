import Cards
import Diagnostics
import Images

extension FleetEvent {
    /// What the user sees while an image is opened.
    init(_ event: ImageEvent) {
        switch event {
        case .unpacking(let done, let total): self = .progress(Progress(phase: .unpacking, done: done, total: total))
        case .waiting: self = .notice("another piflash is unpacking the same image; waiting for it")
        case .evicted(let digest):
            self = .notice("removed the unpacked image \(digest.prefix(12)) from the cache to make room")
        }
    }

    init(_ event: CardEvent) {
        let phase: Phase =
            switch event.phase {
            case .clearing: .clearing
            case .wiping: .wiping
            case .comparing: .comparing
            case .writing: .writing
            case .flushing: .flushing
            case .verifying: .verifying
            case .sealing: .sealing
            }
        self = .progress(Progress(phase: phase, done: event.done, total: event.total))
    }
}
