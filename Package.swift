// swift-tools-version:6.2
import PackageDescription

// The targets stand in the order of a message's way; an import may only point to an earlier row (Tests/TidyTests holds the table).
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

func library(_ name: String, _ pkgConfig: String, _ package: String) -> Target {
    .systemLibrary(name: name, path: "Sources/C/\(name)", pkgConfig: pkgConfig, providers: [.apt([package])])
}

func room(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], fixtures: Bool = false) -> Target {
    .testTarget(name: name, dependencies: dependencies, exclude: fixtures ? ["Fixtures"] : [], swiftSettings: strict)
}

let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let cryptoExtras: Target.Dependency = .product(name: "_CryptoExtras", package: "swift-crypto")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let mustache: Target.Dependency = .product(name: "Mustache", package: "swift-mustache")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let hummingbirdTesting: Target.Dependency = .product(name: "HummingbirdTesting", package: "hummingbird")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "hongyan",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "hongyan", targets: ["hongyan"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        library("CCurl", "libcurl", "libcurl4-openssl-dev"),
        library("CGMime", "gmime-3.0", "libgmime-3.0-dev"),
        library("CMark", "libcmark", "libcmark-dev"),
        library("CIDN", "libidn2", "libidn2-dev"),
        library("CSQLite", "sqlite3", "libsqlite3-dev"),
        library("CPostgres", "libpq", "libpq-dev"),

        room("Domain", []),
        room("Rules", ["Domain", "Yams"]),
        room("Insight", ["Domain"]),
        room("Formats", ["Domain", "CGMime", "CMark", "CIDN"]),
        room("Transport", ["Domain", "CCurl", crypto, cryptoExtras, logging]),
        room("Store", ["Domain", "Rules", "CSQLite", "CPostgres", crypto, logging]),
        room("Channels", ["Domain", "Rules", "Formats", "Transport", crypto, cryptoExtras]),
        room("Intake", ["Domain", "Rules", "Formats", "Channels", "Transport", "Store", crypto, logging, lifecycle]),
        room("Desk", ["Domain", "Rules", "Insight", "Store", logging, lifecycle]),
        room("Journeys", ["Domain", "Rules", "Insight", "Store", "Yams", logging, lifecycle]),
        room("Delivery", ["Domain", "Formats", "Channels", "Transport", "Store", crypto, cryptoExtras, mustache, logging, lifecycle]),
        room(
            "Console",
            [
                "Domain", "Rules", "Formats", "Store", "Desk", "Journeys", "Delivery", crypto, cryptoExtras, hummingbird, mustache, logging,
                lifecycle,
            ]),
        room(
            "Daemon",
            [
                "Domain", "Rules", "Insight", "Formats", "Transport", "Store", "Channels", "Intake", "Desk", "Journeys", "Delivery",
                "Console",
                "CCurl", "CGMime", "Yams", crypto, logging, lifecycle, signals,
            ]),
        .executableTarget(name: "hongyan", dependencies: ["Daemon", arguments], swiftSettings: strict),

        // Servers that tests talk to and how they start programs; nothing of the product uses them.
        .target(name: "TestServers", path: "Tests/Servers", swiftSettings: strict),
        tests("TidyTests", []),
        tests("DomainTests", ["Domain"]),
        tests("RulesTests", ["Rules", "Domain"]),
        tests("InsightTests", ["Insight", "Domain"]),
        tests("FormatsTests", ["Formats", "Domain", "TestServers"], fixtures: true),
        tests("TransportTests", ["Transport", "Domain", "TestServers", logging]),
        tests("StoreTests", ["Store", "Domain", logging]),
        tests("ChannelsTests", ["Channels", "Rules", "Formats", "Transport", "Domain", "TestServers", crypto, cryptoExtras, logging]),
        tests("IntakeTests", ["Intake", "Channels", "Formats", "Transport", "Store", "Domain", "TestServers", crypto, logging, lifecycle]),
        tests("DeskTests", ["Desk", "Rules", "Insight", "Store", "Domain", logging, lifecycle]),
        tests("JourneysTests", ["Journeys", "Rules", "Store", "Domain", logging, lifecycle]),
        tests("DeliveryTests", ["Delivery", "Formats", "Channels", "Transport", "Store", "Domain", "TestServers", logging, lifecycle]),
        tests(
            "ConsoleTests",
            [
                "Console", "Desk", "Journeys", "Delivery", "Formats", "Rules", "Store", "Domain", crypto, hummingbird, hummingbirdTesting,
                logging, lifecycle,
            ]),
        tests("DaemonTests", ["Daemon", "Console", "Delivery", "Desk", "Rules", "Store", "Transport", "Domain", "TestServers", logging]),
    ],
    swiftLanguageModes: [.v6]
)
