import Text

/// Systems for the Raspberry Pi that piflash cannot configure, known by their boot partitions. Naming them spares people
/// the search for what is wrong with their image.
struct ForeignSystem {
    let name: String
    let hint: String?

    private init(_ name: String, hint: String? = nil) {
        self.name = name
        self.hint = hint
    }

    /// Nil if none of them is recognised, and if a root partition that can be read says more.
    init?(_ boot: BootSnapshot, root: RootSnapshot?) {
        let label = boot.label?.uppercased() ?? ""
        if boot.has("apks/"), boot.has(".alpine-release") {
            self.init("Alpine Linux (diskless)")
        } else if label == "EFI-SYSTEM" {
            self.init("Fedora CoreOS or IoT")
        } else if boot.has("recovery.img") || boot.has("recovery7.img") || boot.has("recovery.rfs"),
            boot.has("os/") || boot.has("defaults/") || boot.has("recovery.cmdline")
        {
            self.init(
                "a card made by NOOBS or PINN, with a menu of systems",
                hint: "take the image (.img) of the system itself, and write the whole card with it")
        } else if root?.system != nil {
            return nil
        } else if label == "HASSOS-BOOT" {
            self.init("Home Assistant OS")
        } else if let name = Self.mediaCenters[label] {
            self.init(name)
        } else if boot.has("KERNEL"), boot.has("SYSTEM") {
            self.init("LibreELEC or a system like it")
        } else {
            return nil
        }
    }

    /// By the label of the boot partition.
    private static let mediaCenters = [
        "LIBREELEC": "LibreELEC", "COREELEC": "CoreELEC", "LAKKA": "Lakka", "RECALBOX": "Recalbox",
        "BATOCERA": "Batocera",
    ]
}
