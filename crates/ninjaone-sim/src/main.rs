//! Serves a simulated NinjaOne tenant until it is stopped.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use ninjaone_sim::{
    AppRegistration, FaultRule, FaultSchedule, GeneratedSize, Scopes, Sim, SimConfig, SimError, Tenant,
};

/// Serves a simulated NinjaOne tenant over HTTP on loopback until it is stopped.
#[derive(Parser)]
#[command(name = "ninjaone-sim")]
struct Arguments {
    /// Address to listen on; port 0 picks a free one.
    #[arg(long, default_value = "127.0.0.1:8471")]
    listen: SocketAddr,
    /// Stop at the end of standard input, so that the tenant stops with the program that started it.
    #[arg(long)]
    exit_with_stdin: bool,
    /// The tenant to serve.
    #[arg(long, value_enum, default_value = "msp")]
    tenant: TenantChoice,
    /// A folder with a custom tenant, in the format of fixtures/msp.
    #[arg(long, conflicts_with = "tenant")]
    folder: Option<PathBuf>,
    /// Client id of the API client app.
    #[arg(long, default_value = "sim-client")]
    client_id: String,
    /// Secret of the API client app.
    #[arg(long, default_value = "sim-secret")]
    client_secret: String,
    /// Scopes the app may request.
    #[arg(long, default_value = "monitoring management")]
    scopes: String,
    /// Simulate an older instance, without /v2/user/*.
    #[arg(long)]
    old_instance: bool,
    /// A fault: `[METHOD] PATH [first:N|call:N|after:N|percent:N] KIND [VALUE]`. Repeatable.
    #[arg(long)]
    fault: Vec<String>,
    /// Seed of a generated tenant.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Technicians of a generated tenant.
    #[arg(long, default_value_t = 10)]
    technicians: u32,
    /// End users of a generated tenant.
    #[arg(long, default_value_t = 90)]
    end_users: u32,
    /// Roles of a generated tenant.
    #[arg(long, default_value_t = 5)]
    roles: u32,
    /// Role members of a generated tenant, in total.
    #[arg(long, default_value_t = 200)]
    grants: u64,
    /// Organizations of a generated tenant.
    #[arg(long, default_value_t = 5)]
    organizations: u32,
    /// Devices of a generated tenant.
    #[arg(long, default_value_t = 0)]
    devices: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TenantChoice {
    /// The built-in managed service provider.
    Msp,
    /// A tenant of any size, computed from a seed.
    Generated,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "ninjaone-sim: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), SimError> {
    let mut config = SimConfig::new(build_tenant(arguments)?);
    config.listen = arguments.listen;
    config.app = AppRegistration {
        client_id: arguments.client_id.clone(),
        client_secret: arguments.client_secret.clone(),
        scopes: Scopes::parse(&arguments.scopes),
        ..AppRegistration::default()
    };
    config.behavior.transport.old_instance = arguments.old_instance;
    let rules: Result<Vec<FaultRule>, SimError> = arguments.fault.iter().map(|spec| spec.parse()).collect();
    config.faults = FaultSchedule::new(rules?);
    let sim = Sim::start(&config)?;
    let mut out = io::stdout();
    let _ = writeln!(
        out,
        "{}",
        serde_json::json!({ "base_url": sim.base_url(), "client_id": arguments.client_id })
    );
    let _ = out.flush();
    if arguments.exit_with_stdin {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
    } else {
        loop {
            std::thread::park();
        }
    }
    Ok(())
}

fn build_tenant(arguments: &Arguments) -> Result<Tenant, SimError> {
    if let Some(folder) = &arguments.folder {
        return Tenant::folder(folder);
    }
    match arguments.tenant {
        TenantChoice::Msp => Tenant::fixture("msp"),
        TenantChoice::Generated => Tenant::generated(GeneratedSize {
            seed: arguments.seed,
            technicians: arguments.technicians,
            end_users: arguments.end_users,
            roles: arguments.roles,
            grants: arguments.grants,
            organizations: arguments.organizations,
            devices: arguments.devices,
            role_of_everyone: false,
        }),
    }
}
