import Cards
import Planning

extension FleetEvent {
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
