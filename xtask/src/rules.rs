//! The rules of the house that no compiler checks: who may know whom, and what a file looks like.

mod dependencies;
mod floors;
mod sources;
mod workspace;

use anyhow::bail;

/// Fails with every rule that the workspace breaks.
pub(crate) fn check() -> anyhow::Result<()> {
    let workspace = workspace::Workspace::read()?;
    let mut broken = floors::check(&workspace.packages);
    broken.extend(dependencies::check(&workspace));
    broken.extend(sources::check(&workspace));
    if broken.is_empty() {
        println!("{} crates keep the rules", workspace.packages.len());
        return Ok(());
    }
    bail!("{} rules are broken:\n  {}", broken.len(), broken.join("\n  "))
}

#[cfg(test)]
mod tests {
    #[test]
    fn this_workspace_keeps_the_rules() {
        super::check().unwrap();
    }
}
