import Diagnostics
import Filesystems
import Recipes
import Systems

/// Turns a draft into the files of one flavour.
protocol FlavourRenderer {
    static var facts: FlavourFacts { get }

    /// How the flavour takes each setting, on an image of this profile. The table in docs/ is made from it, and it decides
    /// which recipes are refused.
    static func support(_ profile: OSProfile) -> [Setting: Support]

    /// What goes on the card. Problems that only this flavour has are reported.
    static func render(_ draft: Draft, report: inout DiagnosticReport) -> Rendering
}

/// What a flavour makes from a draft.
struct Rendering: Sendable {
    var bootFiles: [Provision.BootFile] = []
    var rootEdits: [TreeChange] = []
    /// What the first boot writes on the node.
    var nodeFiles: [Provision.NodeFile] = []
    var kernelTokens: [String] = []
}

extension OSProfile.Flavour {
    var renderer: any FlavourRenderer.Type {
        switch self {
        case .hypriotOccidentalis: HypriotOccidentalis.self
        case .hypriotDeviceInit: HypriotDeviceInit.self
        case .hypriotCloudInit: HypriotCloudInit.self
        case .raspbian: Raspbian.self
        case .raspberryPiOSFirstRun: RaspberryPiOSFirstRun.self
        case .raspberryPiOSCustomTOML: RaspberryPiOSCustomTOML.self
        case .raspberryPiOSCloudInit: RaspberryPiOSCloudInit.self
        case .ubuntuCloudInit: UbuntuCloudInit.self
        case .dietPi: DietPi.self
        case .debianRaspi: DebianRaspi.self
        case .rootPartition: RootPartition.self
        }
    }
}
